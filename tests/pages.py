"""What the tests of pages share: a parser that is strict, and lines of metrics."""

import html.parser
import json

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(html.parser.HTMLParser):
    """Checks that elements nest, and collects attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def line(total, stage="pixel", step=None, **terms):
    named = {name.replace("__", "/"): value for name, value in terms.items()}
    return json.dumps({"stage": stage, "step": step or total, "total": total, "terms": named, "lr": {"pixel": 0.001}})
