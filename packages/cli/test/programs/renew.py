"""Reads a refused token from standard input, and prints the token that the server on the socket argv[1] returns for it."""
import http.client, json, socket, sys


class Local(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[1])


dead = sys.stdin.readline().strip()
connection = Local("localhost")
connection.request("POST", "/v1/accounts/mine/renew", json.dumps({"token": dead}))
answer = connection.getresponse()
body = json.loads(answer.read())
print(answer.status, body["token"] if answer.status == 200 else body["error"]["reason"])
