"""Takes the events of "postmux ... --forward-to" into a database: each once, and who must not
be mailed any more. It needs nothing but Python.

    POSTMUX_FORWARD_SECRET=... python3 program.py [PORT]
    python3 program.py stops
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sqlite3
import sys
import time

db = sqlite3.connect("program.db")
db.executescript("""
    CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, kind TEXT, recipient TEXT);
    CREATE TABLE IF NOT EXISTS stop (email TEXT, scope TEXT, reason TEXT, PRIMARY KEY (email, scope));
""")


def stop(event):
    """The kind of mail that the address should not get any more, None for no reason."""
    kind = event["kind"]
    if (
        kind == "complained"
        or (kind == "bounced" and event.get("bounce") == "hard")
        or (kind == "rejected" and event.get("reason") == "invalid")
    ):
        return "all"
    return event.get("scope", "all") if kind == "unsubscribed" else None


def genuine(headers, body):
    """Checks the signature of Standard Webhooks, and that it is of the last five minutes."""
    key, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > 300:
        return False
    secret = os.environ["POSTMUX_FORWARD_SECRET"].encode()
    made = hmac.new(secret, f"{key}.{at}.".encode() + body, hashlib.sha256).digest()
    want = "v1," + base64.b64encode(made).decode()
    came = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(want.encode(), one.encode()) for one in came)


class Events(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not genuine(self.headers, body):
            return self.send_error(401)
        event = json.loads(body)["data"]
        with db:  # one transaction: what was there already has no effect a second time
            row = (self.headers["webhook-id"], event["kind"], event.get("recipient", ""))
            fresh = db.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", row).rowcount
            scope = stop(event)
            if fresh and scope:
                row = (event["recipient"], scope, event["kind"])
                db.execute("INSERT OR IGNORE INTO stop VALUES (?, ?, ?)", row)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass  # paths and addresses are nobody's business


if sys.argv[1:] == ["stops"]:
    for row in db.execute("SELECT email, scope, reason FROM stop ORDER BY email"):
        print(*row, sep="  ")
else:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    server = http.server.HTTPServer(("127.0.0.1", port), Events)
    print("listening on 127.0.0.1:%d" % server.server_port, flush=True)
    server.serve_forever()
