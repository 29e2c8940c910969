"""Streams a file of Google Drive to standard output, with the pod's own identity: the file is shared with its account."""
import json, os, sys, urllib.error, urllib.parse, urllib.request

SCOPE = "https://www.googleapis.com/auth/drive.readonly"
# The name by which every client of Google's takes another metadata server.
HOST = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
TOKEN = f"http://{HOST}/computeMetadata/v1/instance/service-accounts/default/token?scopes={SCOPE}"


def ask(address, headers):
    try:
        return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60)
    except urllib.error.HTTPError as error:
        said = error.read(2000).decode("utf-8", "replace")
        try:
            said = json.loads(said)["error"]["message"]
        except (ValueError, KeyError, TypeError):
            pass
        raise SystemExit(f"{urllib.parse.urlsplit(address).netloc} answers {error.code}: {said}")


with ask(TOKEN, {"Metadata-Flavor": "Google"}) as answer:
    token = json.load(answer)["access_token"]
name = urllib.parse.quote(sys.argv[1], safe="")
address = f"{os.environ['DRIVE_API']}/drive/v3/files/{name}?alt=media&supportsAllDrives=true"
with ask(address, {"Authorization": f"Bearer {token}"}) as answer:
    size, got = answer.headers.get("Content-Length"), 0
    while part := answer.read(1 << 20):
        got += len(part)
        sys.stdout.buffer.write(part)
if size is not None and int(size) != got:
    raise SystemExit(f"{got} of {size} bytes came")
