#!/usr/bin/env python3
"""Writes `types.txt`: how every field of the embedded API server's kinds merges.

    generate.py MODULES CRD_FILE... > types.txt

MODULES is the folder k8s.io of a Go module cache, with client-go, api and apimachinery v0.33: the schema server-side
apply itself works with, and the Go types, which say what is left out of JSON when it is empty. The CRD files are those
of the Gateway API, GKE's gateway policies and the vertical pod autoscaler.
The format is explained in `mod.rs`.
"""
import glob
import json
import re
import sys

import yaml

CORE = "io.k8s.api."
ROOTS = [
    "core.v1." + k for k in
    "Namespace ResourceQuota ServiceAccount Secret ConfigMap Service PersistentVolumeClaim Pod Event".split()
] + [
    "apps.v1.Deployment", "apps.v1.StatefulSet", "apps.v1.ReplicaSet", "batch.v1.Job", "batch.v1.CronJob",
    "autoscaling.v2.HorizontalPodAutoscaler", "policy.v1.PodDisruptionBudget", "networking.v1.NetworkPolicy",
    "rbac.v1.Role", "rbac.v1.RoleBinding",
]
CRDS = {
    "Gateway": "v1", "HTTPRoute": "v1", "ReferenceGrant": "v1beta1", "GCPBackendPolicy": "v1",
    "HealthCheckPolicy": "v1", "GCPGatewayPolicy": "v1", "VerticalPodAutoscaler": "v1",
}
META = "meta.v1.ObjectMeta"


def short(name):
    return name.removeprefix(CORE).removeprefix("io.k8s.apimachinery.pkg.apis.").removeprefix(
        "io.k8s.apimachinery.pkg.")


def literal(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).replace(" ", "\\u0020")


def omitted_when_empty(modules):
    """The fields (type, name) that a typed server leaves out when they are empty: neither pointers nor structs."""
    found = set()
    paths = glob.glob(f"{modules}/api@v0.33*/*/*/types.go") + glob.glob(
        f"{modules}/apimachinery@v0.33*/pkg/apis/meta/v1/types.go")
    for path in paths:
        group, version = path.split("/")[-3:-1]
        for struct in re.finditer(r"^type (\w+) struct \{\n(.*?)^\}", open(path).read(), re.M | re.S):
            for kind, name in re.findall(r'^\t\w+\s+(\S+)\s+`json:"(\w+),omitempty"', struct[2], re.M):
                if not kind.startswith("*"):
                    found.add((f"{group}.{version}.{struct[1]}", name))
    return found


class Builtin:
    def __init__(self, modules):
        self.omitted = omitted_when_empty(modules)
        [path] = glob.glob(f"{modules}/client-go@v0.33*/applyconfigurations/internal/internal.go")
        text = open(path).read()
        start = text.index("`types:\n") + 1
        document = yaml.load(text[start:text.index("`)", start)], Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.types = {short(t["name"]): t for t in document["types"]}
        self.out = {}

    def visit(self, name):
        if name in self.out:
            return
        self.out[name] = None
        atom = self.types[name]
        if "map" in atom and "fields" in atom["map"] and "scalar" not in atom:
            mark = "!" if atom["map"].get("elementRelationship") == "atomic" else ""
            fields = [self.field(name, f) for f in atom["map"]["fields"]]
            self.out[name] = f"{name}{mark}: " + " ".join(fields)

    def field(self, owner, field):
        kind = self.expression(field["type"])
        mark = "?" if (owner, field["name"]) in self.omitted and kind[0] not in "@uq*" else ""
        text = f"{field['name']}{mark}={kind}"
        default = field.get("default")
        if default not in (None, "", {}, 0) and not isinstance(default, dict):
            text += "~" + literal(default)
        return text

    def expression(self, atom):
        if "namedType" in atom:
            name = short(atom["namedType"])
            if name.startswith("__untyped"):
                return "*"
            target = self.types[name]
            if "map" in target and "fields" in target["map"] and "scalar" not in target:
                self.visit(name)
                return "@" + name
            if name.endswith(("Quantity", "IntOrString", "Time", "MicroTime", "Duration")):
                return "q" if name.endswith("Quantity") else "u"
            return self.expression(target) if "scalar" in target or "list" in target else "*"
        if "scalar" in atom:
            return {"string": "s", "numeric": "n", "boolean": "b", "untyped": "u"}[atom["scalar"]]
        if "list" in atom:
            items = atom["list"]
            element = self.expression(items["elementType"])
            if items.get("elementRelationship") == "atomic":
                return "[]" + element
            return "[" + (",".join(items["keys"]) if "keys" in items else "set") + "]" + element
        mapping = atom["map"]
        mark = "!" if mapping.get("elementRelationship") == "atomic" else ""
        return "{" + mark + "}" + self.expression(mapping["elementType"])


class Crd:
    def __init__(self):
        self.out, self.known = {}, {}

    def add(self, kind, schema):
        properties = dict(schema["properties"])
        for name in ("apiVersion", "kind", "metadata"):
            properties.pop(name, None)
        required = [r for r in schema.get("required", []) if r in properties]
        fields = ["apiVersion=s", "kind=s", f"metadata=@{META}"]
        fields += [self.field(kind, n, p, n in required) for n, p in sorted(properties.items())]
        self.out[kind] = f"{kind}: " + " ".join(fields)

    def field(self, path, name, schema, required):
        text = name + ("+" if required else "") + "=" + self.expression(f"{path}.{name}", schema)
        if "default" in schema:
            text += "~" + literal(schema["default"])
        return text

    def expression(self, path, schema):
        if schema.get("x-kubernetes-int-or-string"):
            return "u"
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            return "*"
        kind = schema.get("type")
        if kind == "string":
            if "enum" in schema:
                return "s(" + "|".join(schema["enum"]) + ")"
            return "s"
        if kind in ("integer", "number"):
            bounds = [str(schema.get(k, "")) for k in ("minimum", "maximum")]
            return f"n({bounds[0]}..{bounds[1]})" if any(bounds) else "n"
        if kind == "boolean":
            return "b"
        if kind == "array":
            relation = schema.get("x-kubernetes-list-type", "atomic")
            keys = {"atomic": "", "set": "set"}.get(relation) if relation != "map" else ",".join(
                schema["x-kubernetes-list-map-keys"])
            return f"[{keys}]" + self.expression(path, schema["items"])
        atomic = "!" if schema.get("x-kubernetes-map-type") == "atomic" else ""
        if "additionalProperties" in schema:
            return "{" + atomic + "}" + self.expression(path, schema["additionalProperties"])
        required = schema.get("required", [])
        fields = " ".join(self.field(path, n, p, n in required)
                          for n, p in sorted(schema.get("properties", {}).items()))
        # Many places of a route have the same shape: one line serves them all.
        known = self.known.setdefault((atomic, fields), path)
        if known == path:
            self.out[path] = f"{path}{atomic}: {fields}"
        return "@" + known


def main():
    builtin, crd = Builtin(sys.argv[1]), Crd()
    for root in ROOTS:
        builtin.visit(root)
    for path in sys.argv[2:]:
        for document in yaml.safe_load_all(open(path)):
            if not document or document.get("kind") != "CustomResourceDefinition":
                continue
            kind = document["spec"]["names"]["kind"]
            for version in document["spec"]["versions"]:
                if CRDS.get(kind) == version["name"]:
                    crd.add(kind, version["schema"]["openAPIV3Schema"])
    for line in [*sorted(filter(None, builtin.out.values())), *sorted(crd.out.values())]:
        print(re.sub(r"\s+$", "", line))


main()
