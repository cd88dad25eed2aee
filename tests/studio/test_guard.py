"""Whose a request is: token, Host, Origin and Sec-Fetch-Site; and what every answer says to the browser."""

import http.client
import json

import pytest

SECURE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def line(answer):
    """Return the error, which is one line of JSON."""
    found = json.loads(answer.content)
    assert list(found) == ["error"]
    assert found["error"].isprintable()
    return found["error"]


def test_nothing_is_answered_without_the_token(served):
    for path in ("/", "/page/app.js", "/api/jobs", "/api/nothing", "/../etc/passwd"):
        answer = served.stranger.get(path)
        assert answer.status_code == 401, path
        assert "open the address that `pydream studio` printed" in line(answer)
    for header in (
        "Bearer",
        f"Bearer {served.token}x",
        f"Bearer {served.token[:-1]}",
        "Basic eDp5",
        "Bearer é",
    ):
        answer = served.stranger.get("/api/jobs", headers={"Authorization": header.encode()})
        assert answer.status_code == 401, header
    assert served.client.get("/api/jobs").json() == {"jobs": []}


def test_who_comes_with_a_browser_reads_a_line(served):
    answer = served.stranger.get("/", headers={"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("pydream studio: the token is missing: open the address that")


def test_the_address_sets_a_cookie(served):
    answer = served.stranger.get("/", params={"token": served.token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert cookie == f"pydream-studio-{served.port}={served.token}"
    assert set(attributes) == {"Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Strict"}
    assert served.stranger.get("/api/jobs").status_code == 200  # with the cookie
    assert served.stranger.get("/api/jobs", headers={"Cookie": f"other=1; {cookie}"}).status_code == 200
    served.stranger.cookies.clear()
    for wrong in (f"pydream-studio-1={served.token}", cookie[:-1], f"{cookie}x", "é"):
        assert served.stranger.get("/api/jobs", headers={"Cookie": wrong.encode()}).status_code == 401


def test_a_wrong_token_in_the_address(served):
    answer = served.stranger.get("/", params={"token": "x" * 32})
    assert answer.status_code == 403
    assert "another token" in line(answer)
    assert "set-cookie" not in answer.headers
    many = "&".join(f"{number}=x" for number in range(2000))
    assert served.stranger.get(f"/?{many}").status_code == 401
    # a token in an address is for the page only
    assert served.stranger.get("/api/jobs", params={"token": served.token}).status_code == 401


def test_the_browsers_address_is_for_one_visit(served):
    """Other users of the machine see the command line that starts a browser."""
    assert served.once != served.token
    answer = served.stranger.get("/", params={"token": served.once})
    assert answer.status_code == 303
    assert served.once not in answer.headers["set-cookie"]
    served.stranger.cookies.clear()
    assert served.stranger.get("/", params={"token": served.once}).status_code == 403
    assert served.stranger.get("/api/jobs", headers={"Authorization": f"Bearer {served.once}"}).status_code == 401


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example:{port}", "127.0.0.2",
     "[::2]", "", "localhost:{port}:1", "localhost/", "user@localhost", "0.0.0.0"],
)  # fmt: skip
def test_a_foreign_host_is_refused(served, host):
    """Under DNS rebinding a page of another site reaches this port, and its browser says the site's name."""
    answer = served.client.get("/api/jobs", headers={"Host": host.format(port=served.port)})
    assert answer.status_code in ((400, 403) if host == "" else (403,))


@pytest.mark.parametrize(
    "host", ["localhost:{port}", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}", "localhost:99"]
)
def test_this_machines_names(served, host):
    """Also at another port: that of an SSH tunnel."""
    assert served.client.get("/api/jobs", headers={"Host": host.format(port=served.port)}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://localhost",
        "http://localhost:1",
        "http://127.0.0.1:{port}.evil",
        "file://",
        "",
    ],
)
def test_a_foreign_origin_is_refused(served, origin):
    for method, path in (("GET", "/api/jobs"), ("POST", "/api/jobs"), ("GET", f"/?token={served.token}")):
        answer = served.client.request(method, path, headers={"Origin": origin.format(port=served.port)})
        assert answer.status_code == 403, (method, path)
        assert "may not use this studio" in line(answer)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "x"])
def test_another_site_is_refused(served, site):
    for path in ("/api/jobs", f"/?token={served.token}"):
        answer = served.client.get(path, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_the_page_itself_is_not_refused(served):
    own = {"Origin": served.address, "Sec-Fetch-Site": "same-origin"}
    assert served.client.get("/api/jobs", headers=own).status_code == 200
    typed = {"Sec-Fetch-Site": "none"}
    assert served.stranger.get("/", params={"token": served.token}, headers=typed).status_code == 303


def test_a_cookie_alone_changes_nothing(served):
    """A browser says where such a request comes from; without that it is none, or an old one that is led astray."""
    served.stranger.get("/", params={"token": served.token})
    order = json.dumps({"kind": "dream"})
    answer = served.stranger.post("/api/jobs", content=order)
    assert answer.status_code == 403
    assert "Authorization: Bearer" in line(answer)
    for said in ({"Origin": served.address}, {"Sec-Fetch-Site": "same-origin"}):
        assert served.stranger.post("/api/jobs", content=order, headers=said).status_code == 202


def test_every_answer_is_safe(served):
    answers = [
        served.client.get("/api/jobs"),
        served.client.get("/api/nothing"),
        served.client.get("/"),
        served.client.get("/page/app.js"),
        served.client.request("PATCH", "/api/jobs"),
        served.stranger.get("/"),
        served.stranger.get("/", params={"token": served.token}),
        served.client.get("/api/events"),
    ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in SECURE} == SECURE, answer.url
        policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
        assert policy == {
            "default-src": "'self'", "base-uri": "'none'", "form-action": "'self'", "frame-ancestors": "'none'"
        }  # fmt: skip
        assert "server" not in answer.headers


def test_what_is_no_request(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    connection.putrequest("GET", "/api/jobs", skip_host=True)
    connection.endheaders()
    assert connection.getresponse().status == 400  # without a Host
