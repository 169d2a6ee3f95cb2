# For the peer: every name is dialled at the origin, and streams stay streams (its kinder setting: it would hold them otherwise).
import os


def server_connect(data):
    data.server.address = ("127.0.0.1", int(os.environ["BENCH_ORIGIN_PORT"]))


def responseheaders(flow):
    if "event-stream" in flow.response.headers.get("content-type", ""):
        flow.response.stream = True
