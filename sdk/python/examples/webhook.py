"""A receiver of webhooks: verified over the body as it came, done once, answered at once."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from pemudik_client import BadSignature, verify_webhook

seen: set[str] = set()
"""A real receiver keeps them in its database."""


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = verify_webhook(os.environ["WEBHOOK_SECRET"], dict(self.headers.items()), body)
        except BadSignature as error:
            self.send_error(400, error.message)
            return
        if event.id not in seen:
            seen.add(event.id)
            print(event.type, event.data, flush=True)
        self.send_response(204)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
