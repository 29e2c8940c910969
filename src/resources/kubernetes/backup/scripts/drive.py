"""Streams a file of Google Drive to standard output, with the pod's own identity: the file is shared with its account."""
import json, sys, urllib.parse, urllib.request

SCOPE = "https://www.googleapis.com/auth/drive.readonly"
METADATA = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token?scopes="
request = urllib.request.Request(METADATA + SCOPE, headers={"Metadata-Flavor": "Google"})
token = json.load(urllib.request.urlopen(request, timeout=30))["access_token"]
name = urllib.parse.quote(sys.argv[1], safe="")
address = f"https://www.googleapis.com/drive/v3/files/{name}?alt=media&supportsAllDrives=true"
request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
with urllib.request.urlopen(request, timeout=60) as answer:
    size, got = answer.headers.get("Content-Length"), 0
    while part := answer.read(1 << 20):
        got += len(part)
        sys.stdout.buffer.write(part)
if size is not None and int(size) != got:
    raise SystemExit(f"{got} of {size} bytes came")
