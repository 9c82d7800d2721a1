"""An SMTP server for tests: it takes mail at a port of this machine, says when it does, and prints each message as a line of JSON.

Who is called `nobody` is unknown, `unwanted` refused for another reason, `later` is asked to come again, the first time. With a second argument it wants a user and a password.
"""

import asyncio
import json
import sys
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Handler:
    def __init__(self):
        self.put_off = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "nobody":
            return f"550 5.1.1 <{address}>: no such user"
        if name == "unwanted":
            return f"550 5.7.1 <{address}>: we do not like you"
        if name == "later" and not self.put_off:
            self.put_off = True
            return f"451 4.7.1 <{address}>: come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        parts = {kind: message.get_body(preferencelist=(kind,)).get_content() for kind in ("plain", "html")}
        headers = {name.lower(): str(value) for name, value in message.items()}
        seen = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "headers": headers, "hello": session.host_name, **parts}
        print(json.dumps(seen), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"build14", b"correct"), handled=False)


wanted = {"auth_required": True, "auth_require_tls": False, "authenticator": authenticate} if len(sys.argv) > 2 else {}
controller = Controller(Handler(), hostname="127.0.0.1", port=int(sys.argv[1]), **wanted)
controller.start()
print("listening", flush=True)
asyncio.new_event_loop().run_forever()
