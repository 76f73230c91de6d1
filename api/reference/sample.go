package reference

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// sampleDepth bounds how deep a sample goes: schemas may hold themselves.
const sampleDepth = 8

// sample is a body as the schema wants it, JSON with two spaces for each level: what is required, and ids that may be given. Texts that
// only the caller knows stand as «name of the member»; the member id of an object goes by the object's name.
func (r reader) sample(schema *yaml.Node) string {
	var b strings.Builder
	r.write(&b, schema, "", 0)
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(b.String()), "", "  "); err != nil {
		return "" // a schema of which no sample can be made
	}
	return out.String()
}

func (r reader) write(b *strings.Builder, schema *yaml.Node, name string, depth int) {
	n, err := r.resolve(schema)
	if err != nil || depth > sampleDepth {
		b.WriteString("null")
		return
	}
	for _, word := range []string{"oneOf", "anyOf", "allOf"} {
		if list := items(at(n, word)); len(list) > 0 {
			r.write(b, list[0], name, depth+1)
			return
		}
	}
	switch kind := text(n, "type"); {
	case kind == "object" || at(n, "properties") != nil:
		r.object(b, n, name, depth)
	case kind == "array":
		b.WriteString("[")
		r.write(b, at(n, "items"), name, depth+1)
		b.WriteString("]")
	case kind == "integer" || kind == "number":
		b.WriteString(cmp.Or(text(n, "example"), text(n, "minimum"), "1"))
	case kind == "boolean":
		b.WriteString("true")
	default:
		value := cmp.Or(text(n, "example"), text(n, "const"))
		if values := items(at(n, "enum")); value == "" && len(values) > 0 {
			value = values[0].Value
		}
		b.WriteString(strconv.Quote(cmp.Or(value, "«"+name+"»")))
	}
}

func (r reader) object(b *strings.Builder, n *yaml.Node, name string, depth int) {
	required := items(at(n, "required"))
	comma := "{"
	_ = each(at(n, "properties"), func(member string, p *yaml.Node) error {
		needed := slices.ContainsFunc(required, func(x *yaml.Node) bool { return x.Value == member })
		if !needed && !strings.HasSuffix(text(p, "$ref"), "/Id") {
			return nil
		}
		b.WriteString(comma + strconv.Quote(member) + ":")
		comma = ","
		if member == "id" {
			member = name
		}
		r.write(b, p, member, depth+1)
		return nil
	})
	if comma == "{" {
		b.WriteString("{}")
		return
	}
	b.WriteString("}")
}
