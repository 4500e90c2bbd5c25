"""How much is taken of a file that others made, before it is refused.

Each number has room for what people really have, and keeps a small file from costing much: a file of a megabyte may
not ask for gigabytes. `SECURITY.md` tells users of them.
"""

PICTURE_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")
"""What pictures may be, by their content. Pillow knows forty more; among them PostScript, which is a program, and many
that nobody tests against hostile files."""

PICTURE_PIXELS = 200_000_000
"""Pixels of a picture: 600 MB decoded. The largest cameras have 150 million, and a file of 20 kB can claim any number.
"""

COSTLY_PIXELS = 100_000_000
"""Pixels of a picture in AVIF or JPEG 2000, whose decoders take up to 20 bytes for each. A page of A3 at 600 dpi has 70
million."""

ROW_CHARACTERS = 1 << 20
"""Characters of a row of a table, or of a line of text. A row of 20,000 genes has about 200,000."""

COLUMNS = 100_000
"""Columns of a table. The widest that are published, of gene expression, have 60,000."""

LACKING_CELLS = 20_000_000
"""Cells that the rows of a table may lack together, and ten more for each that is there: they are filled up, which
takes 8 bytes each, while a row of one character beneath 100,000 names takes two bytes of the file."""

MEMBERS = 50_000
"""Files and folders of an archive: MNIST has 4, DIV2K 900, ImageNet's validation set 50,000. A million would keep the
disk busy for minutes before anything is known of them."""

MEMBER_LIST_BYTES = 1 << 26
"""Bytes of a zip archive's list of members: 50,000 of them with names of 1,000 characters fit."""

TENSORS = 10_000
"""Tensors of a network's file. A network of a thousand layers has about 4,000."""

HEADER_BYTES = 1 << 23
"""Bytes of the header of a network's file; safetensors itself would read 100 MB. 10,000 tensors have about 1 MB."""

STORED_BYTES = 1 << 28
"""Bytes of JSON that gankit stored: the list of a million prepared photographs has about 250 MB."""
