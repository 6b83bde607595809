"""An sftp server for tests: `python sftp_server.py FOLDER PASSWORD` prints its port and serves.

It listens on 127.0.0.1, has a host key of its own made anew, and ends when its input does.
"""

import asyncio
import sys

import asyncssh


class OnePassword(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        return password == sys.argv[2]


async def serve(folder):
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=OnePassword,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=folder),
    )
    sys.stdout.write(f"{server.get_port()}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1].encode()))
