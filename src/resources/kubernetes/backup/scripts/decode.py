"""Takes SQL or a custom dump out of what it is packed in, as a stream: nothing is written to a disk.

decode FORMAT PART: reads standard input, writes to standard output. FORMAT is sql, tar, gz, tgz, tar.gz, zip or auto;
what comes must be that. What is in an archive is found by content; of several files the first .sql or dump counts. PART
is application or plugins: files of an archive with `plugin` in their names are of the plugin daemon's database, every
other one is of Dify's. When there is nothing of the plugin daemon's, `absent` is made in $FLOW: it is left as it is.
"""
import io, os, struct, sys, tarfile, zlib

PART = sys.argv[2]

CHUNK = 1 << 20


class Peek(io.RawIOBase):
    """A stream whose beginning can be looked at."""

    def __init__(self, read):
        self._read, self._kept = read, b""

    def peek(self, size):
        while len(self._kept) < size:
            more = self._read(CHUNK)
            if not more:
                break
            self._kept += more
        return self._kept[:size]

    def read(self, size=-1):
        if size is None or size < 0:
            parts = []
            while part := self.read(CHUNK):
                parts.append(part)
            return b"".join(parts)
        if not self._kept:
            self._kept = self._read(max(size, CHUNK))
        taken, self._kept = self._kept[:size], self._kept[size:]
        return taken

    def exactly(self, size):
        taken = self.peek(size)
        if len(taken) < size:
            raise SystemExit("the file breaks off")
        self._kept = self._kept[size:]
        return taken

    def unread(self, data):
        self._kept = data + self._kept


def kind(stream):
    """What a stream is by its first bytes."""
    head = stream.peek(512)
    if head[:2] == b"\x1f\x8b":
        return "gz"
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    return "dump" if head[:5] == b"PGDMP" else "sql"


def inflated(stream, bits):
    """What is compressed in a stream. The rest is given back to it; a stream that breaks off is refused."""
    engine = zlib.decompressobj(bits)
    while True:
        part = stream.read(CHUNK)
        if not part:
            raise SystemExit("the compressed file breaks off")
        out = engine.decompress(part)
        if out:
            yield out
        if engine.eof:
            stream.unread(engine.unused_data)
            # A gzip file may have several members, as those of pigz and bgzip do.
            if bits > 0 and stream.peek(2) == b"\x1f\x8b":
                engine = zlib.decompressobj(bits)
                continue
            return


def of(chunks):
    chunks = iter(chunks)
    return Peek(lambda _: next(chunks, b""))


def wanted(name):
    name = name.lower().rsplit("/", 1)[-1]
    endings = (".sql", ".sql.gz", ".dump", ".pgdump", ".backup")
    is_plugins = "plugin" in name
    return name.endswith(endings) and not name.startswith("._") and is_plugins == (PART == "plugins")


def missing():
    """There is no file of this part."""
    if PART != "plugins":
        raise SystemExit("there is no .sql and no dump of Dify's own database in the archive")
    print("there is nothing of the plugin daemon's database: it is left as it is", file=sys.stderr)
    open(os.path.join(os.environ["FLOW"], "absent"), "w").close()


def members(stream):
    """Files of a zip with their content, by their local headers: the directory at its end cannot be seen in a stream."""
    while stream.peek(4) == b"PK\x03\x04":
        head = struct.unpack("<4s5H3I2H", stream.exactly(30))
        flags, method, packed, name_size, extra_size = head[2], head[3], head[7], head[9], head[10]
        name = stream.exactly(name_size).decode("utf-8", "replace")
        extra = stream.exactly(extra_size)
        if flags & 1:
            raise SystemExit(f"{name} is encrypted")
        at = 0
        while at + 4 <= len(extra):
            tag, size = struct.unpack("<HH", extra[at:at + 4])
            if tag == 1 and packed == 0xFFFFFFFF:
                packed = struct.unpack("<Q", extra[at + 4 + size - 8:at + 4 + size])[0]
            at += 4 + size
        if method == 8:
            content = inflated(stream, -15)
        elif method == 0 and not flags & 8:
            content = stored(stream, packed)
        else:
            raise SystemExit(f"{name} is packed in a way that cannot be read as a stream")
        yield name, content
        for _ in content:
            pass
        if flags & 8:
            if stream.peek(4) == b"PK\x07\x08":
                stream.exactly(4)
            # Sizes are of eight bytes in a large file; what follows tells.
            stream.exactly(12)
            if stream.peek(2) != b"PK":
                stream.exactly(8)


def stored(stream, size):
    while size:
        part = stream.read(min(size, CHUNK))
        if not part:
            raise SystemExit("the archive breaks off")
        size -= len(part)
        yield part


def unpack(stream, given, named=False):
    """Writes out what is at the bottom of it. What has a name was chosen by it; what has none is of Dify's database."""
    found = kind(stream)
    expected = {"tgz": "gz", "tar.gz": "gz"}.get(given, given)
    if expected not in ("auto", found) and not (given == "sql" and found == "dump"):
        raise SystemExit(f"the file is {found}, and backup_format says {given}")
    if found == "gz":
        inner = of(inflated(stream, 31))
        if given in ("tgz", "tar.gz") and kind(inner) != "tar":
            raise SystemExit(f"the file is no compressed tar, and backup_format says {given}")
        return unpack(inner, "auto", named)
    if found == "tar":
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isfile() and wanted(member.name):
                    content = archive.extractfile(member)
                    return unpack(Peek(content.read), "auto", True)
        return missing()
    if found == "zip":
        for name, content in members(stream):
            if wanted(name):
                return unpack(of(content), "auto", True)
        return missing()
    if not stream.peek(1):
        raise SystemExit("the file is empty")
    if PART == "plugins" and not named:
        return missing()
    while part := stream.read(CHUNK):
        sys.stdout.buffer.write(part)


source = Peek(sys.stdin.buffer.read1)
unpack(source, sys.argv[1])
sys.stdout.buffer.flush()
# What is left is read, or whoever sends it would fail.
while source.read(CHUNK):
    pass
