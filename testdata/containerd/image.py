"""Packs a folder as an image that `ctr image import` reads: image.py FOLDER NAME COMMAND… > FILE"""
import hashlib
import io
import json
import sys
import tarfile


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


folder, name, *command = sys.argv[1:]
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as archive:
    archive.add(folder, arcname=".")
layer = layer.getvalue()
configuration = json.dumps({
    "architecture": "amd64", "os": "linux", "config": {"Entrypoint": command},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
}).encode()
manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
    add(archive, "layer.tar", layer)
    add(archive, "config.json", configuration)
    add(archive, "manifest.json", manifest)
