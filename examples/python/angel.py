"""Prints the name of the account holder at Angel One, with the session from `broker-auth serve`.

BROKER_AUTH_SERVE is the socket or the address that `broker-auth serve` prints. An address also needs BROKER_AUTH_BEARER.
"""
import http.client, json, os, re, socket, urllib.error, urllib.request

SERVE = os.environ["BROKER_AUTH_SERVE"]
ACCOUNT = "/v1/accounts/angel/"  # your name for the account
BROKER = os.environ.get("BROKER_URL", "https://apiconnect.angelone.in")


def serve(method, action, body=None):
    if SERVE.startswith("http://"):
        server = http.client.HTTPConnection(SERVE[7:])
        headers = {"Authorization": "Bearer " + os.environ["BROKER_AUTH_BEARER"]}
    else:
        server, headers = http.client.HTTPConnection("localhost"), {}
        server.sock = socket.socket(socket.AF_UNIX)
        server.sock.connect(SERVE)
    server.request(method, ACCOUNT + action, body and json.dumps(body), headers)
    answer = json.load(server.getresponse())
    if "error" in answer:
        raise SystemExit("{message}. {remedy}".format(**answer["error"]))
    return answer


def call(session):
    try:
        request = urllib.request.Request(BROKER + "/rest/secure/angelbroking/user/v1/getProfile", headers=session["headers"])
        return 200, urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


session = serve("GET", "session")
status, text = call(session)
if re.search(r'"error_?code":"(AG800[1-3]|AB101[01])"', text, re.I):  # the broker has refused the token
    status, text = call(serve("POST", "renew", {"token": session["token"]}))
print(json.loads(text)["data"]["name"] if status == 200 else f"The broker answers with status {status}.")
