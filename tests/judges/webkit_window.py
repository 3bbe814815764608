"""Runs in the system's Python: a WebKitGTK window that opens pages and answers for them.

A line of JSON in (page, script, picture), what the script gave as JSON out.
"""

# mypy: ignore-errors
import json
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import GLib, Gtk, WebKit2  # noqa: E402

WIDTH, HEIGHT = 320, 800


class Window:
    """One page at a time."""

    def __init__(self):
        self.view = WebKit2.WebView()
        settings = self.view.get_settings()
        settings.set_property("allow-file-access-from-file-urls", True)
        settings.set_property(
            "hardware-acceleration-policy", WebKit2.HardwareAccelerationPolicy.NEVER
        )
        self.window = Gtk.OffscreenWindow()
        self.window.set_default_size(WIDTH, HEIGHT)
        self.window.add(self.view)
        self.window.show_all()
        self.view.connect("load-changed", self._changed)
        self.next()

    def next(self):
        """The next question, or the end."""
        line = sys.stdin.readline()
        if not line:
            Gtk.main_quit()
            return
        self.asked = json.loads(line)
        self.view.load_uri(self.asked["page"])

    def _changed(self, view, event):
        if event == WebKit2.LoadEvent.FINISHED:
            script = self.asked["script"]
            view.evaluate_javascript(script, -1, None, None, None, self._measured)

    def _measured(self, view, result):
        self.told = view.evaluate_javascript_finish(result).to_string()
        # A frame that grew is drawn a moment later.
        GLib.timeout_add(150, self._draw)

    def _draw(self):
        self.view.get_snapshot(
            WebKit2.SnapshotRegion.FULL_DOCUMENT,
            WebKit2.SnapshotOptions.NONE,
            None,
            self._drawn,
        )
        return False

    def _drawn(self, view, result):
        view.get_snapshot_finish(result).write_to_png(self.asked["picture"])
        sys.stdout.write(json.dumps(self.told) + "\n")
        sys.stdout.flush()
        self.next()


if __name__ == "__main__":
    window = Window()
    Gtk.main()
