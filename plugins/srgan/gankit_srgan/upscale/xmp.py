"""XMP: what the input's packet said, and that a trained network made the pixels.

The mark is IPTC's `DigitalSourceType` (IPTC Photo Metadata Standard 2023.2). Its vocabulary has two terms that could be
meant. `algorithmicallyEnhanced` is correction that leaves the content alone, "such as sharpening or applying noise
reduction"; that is a network trained on pixel errors alone, which gives the mean of what could have been there.
`compositeWithTrainedAlgorithmicMedia` is "enhancement using a Generative AI model"; that is the generator of a GAN,
whose detail was never before the lens.

CreatorTool names the *first* tool in a picture's life (part 1 of the XMP specification), so that an old one stays; what
we did is added to the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from xml.dom import minidom
from xml.parsers.expat import ExpatError

from gankit import __version__

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATIVE = VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
CORRECTION = VOCABULARY + "algorithmicallyEnhanced"

META = "adobe:ns:meta/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMLNS = "http://www.w3.org/2000/xmlns/"
SPACES = {
    "rdf": RDF,
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
}
EMPTY = f'<x:xmpmeta xmlns:x="{META}"><rdf:RDF xmlns:rdf="{RDF}"/></x:xmpmeta>'
PACKET = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{}\n<?xpacket end="w"?>'


@dataclass(frozen=True)
class Mark:
    """What the packet says of how the pixels were made.

    Attributes:
        model: The network's name.
        scale: Factor, for people.
        generative: Whether the network was trained to invent detail.
    """

    model: str
    scale: str
    generative: bool


def rewritten(packet: bytes | None, width: int, height: int, mark: Mark | None) -> bytes | None:
    """A packet that fits the enlarged, upright picture, and says how it was made.

    Args:
        packet: Of the input; None if it has none.
        width: Pixels of the output.
        height: Pixels of the output.
        mark: What to say; None to say nothing of it.

    Returns:
        None if there is nothing to say.

    Raises:
        ValueError: The packet is damaged.
    """
    if packet is None and mark is None:
        return None
    tree = _parse(packet or EMPTY.encode())
    _correct(tree, width, height)
    if mark:
        _add_mark(tree, mark)
    return PACKET.format(tree.documentElement.toxml()).encode()


def _add_mark(tree: minidom.Document, mark: Mark) -> None:
    agent = f"gankit {__version__} (srgan upscale, model {mark.model})"
    _remove(tree, "Iptc4xmpExt", "DigitalSourceType")
    description = _description(tree)
    _new(tree, description, "Iptc4xmpExt", "DigitalSourceType", GENERATIVE if mark.generative else CORRECTION)
    if not _has(tree, "xmp", "CreatorTool"):
        _new(tree, description, "xmp", "CreatorTool", agent)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _remove(tree, "xmp", "MetadataDate")
    _new(tree, description, "xmp", "MetadataDate", now)
    event = {"action": "edited", "softwareAgent": agent, "when": now, "parameters": f"enlarged {mark.scale} times"}
    _add_event(tree, description, event)


def _parse(packet: bytes) -> minidom.Document:
    if b"<!" in packet.replace(b"<!--", b""):  # XMP has no use for a DOCTYPE; entities are for bombs
        raise ValueError("damaged XMP: it declares a document type")
    try:
        tree = minidom.parseString(packet.strip(b"\0 \r\n\t"))
    except (ExpatError, ValueError, LookupError) as error:
        raise ValueError(f"damaged XMP: {error}") from error
    if not tree.getElementsByTagNameNS(RDF, "RDF"):
        raise ValueError("damaged XMP: it has no rdf:RDF")
    return tree


def _descriptions(tree: minidom.Document) -> list[minidom.Element]:
    """The descriptions of the picture itself; those inside are structures of its properties."""
    root = tree.getElementsByTagNameNS(RDF, "RDF")[0]
    return [node for node in root.childNodes if getattr(node, "localName", "") == "Description"]


def _new(tree: minidom.Document, parent: minidom.Element, space: str, name: str, text: str = "") -> minidom.Element:
    """A new element under `parent`; it declares its prefix, whatever the packet calls the same namespace."""
    node = tree.createElementNS(SPACES[space], f"{space}:{name}")
    node.setAttributeNS(XMLNS, f"xmlns:{space}", SPACES[space])
    if text:
        node.appendChild(tree.createTextNode(text))
    parent.appendChild(node)
    return node


def _description(tree: minidom.Document) -> minidom.Element:
    """A new description at the end; about the same resource as the others, as the standard demands."""
    about = [node.getAttributeNS(RDF, "about") for node in _descriptions(tree)]
    new = _new(tree, tree.getElementsByTagNameNS(RDF, "RDF")[0], "rdf", "Description")
    new.setAttributeNS(RDF, "rdf:about", about[0] if about else "")
    return new


def _properties(tree: minidom.Document, space: str, name: str) -> list[minidom.Element]:
    found = [node for description in _descriptions(tree) for node in description.childNodes]
    return [n for n in found if n.namespaceURI == SPACES[space] and n.localName == name]


def _has(tree: minidom.Document, space: str, name: str) -> bool:
    uri = SPACES[space]
    return any(node.hasAttributeNS(uri, name) for node in _descriptions(tree)) or bool(_properties(tree, space, name))


def _remove(tree: minidom.Document, space: str, name: str) -> None:
    for description in _descriptions(tree):
        if description.hasAttributeNS(SPACES[space], name):
            description.removeAttributeNS(SPACES[space], name)
    for node in _properties(tree, space, name):
        node.parentNode.removeChild(node)


def _correct(tree: minidom.Document, width: int, height: int) -> None:
    """Sizes and orientation that are named become true; thumbnails, which show the old picture, go."""
    _remove(tree, "xmp", "Thumbnails")
    true = {
        ("tiff", "Orientation"): 1,
        ("tiff", "ImageWidth"): width,
        ("tiff", "ImageLength"): height,
        ("exif", "PixelXDimension"): width,
        ("exif", "PixelYDimension"): height,
    }
    for (space, name), value in true.items():
        if _has(tree, space, name):
            _remove(tree, space, name)
            _new(tree, _description(tree), space, name, str(value))


def _add_event(tree: minidom.Document, description: minidom.Element, event: dict[str, str]) -> None:
    histories = _properties(tree, "xmpMM", "History") or [_new(tree, description, "xmpMM", "History")]
    sequences = histories[0].getElementsByTagNameNS(RDF, "Seq") or [_new(tree, histories[0], "rdf", "Seq")]
    item = _new(tree, sequences[0], "rdf", "li")
    item.setAttributeNS(RDF, "rdf:parseType", "Resource")
    for name, value in event.items():
        _new(tree, item, "stEvt", name, value)
