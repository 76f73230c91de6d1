package reference

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Contract is an OpenAPI document, in the order in which it is written.
type Contract struct {
	Title, Version, Description string
	Tags                        []Tag
	Schemas                     []Schema
}

// Tag is a group of operations.
type Tag struct {
	Name, Description string
	Operations        []Operation
}

// Operation is one method of one path.
type Operation struct {
	ID, Method, Path, Summary, Description string
	// Open says that no key is needed.
	Open       bool
	Parameters []Parameter
	// Bodies are the media types that it takes.
	Bodies []Body
	// Sample is a body in JSON, where it takes such; texts that only the caller knows stand as «name of the member».
	Sample string
	// Answers are its successful responses; all others are problems.
	Answers []Answer
}

// Parameter stands in the path, the query or a header.
type Parameter struct {
	Name, In, Type, Description string
	Required                    bool
}

// Body is a media type with the shape of its content.
type Body struct{ MediaType, Type string }

// Answer is a response with what it carries.
type Answer struct {
	Status, Description string
	Bodies              []Body
}

// Schema is a named shape.
type Schema struct {
	Name, Type, Description string
	Properties              []Property
}

// Property is a member of an object.
type Property struct {
	Name, Type, Description string
	Required                bool
}

// reader resolves references within one document.
type reader struct{ root *yaml.Node }

// Read parses an OpenAPI document in YAML. It fails when the document is none, or refers to what is not there.
func Read(document []byte) (Contract, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(document, &doc); err != nil {
		return Contract{}, fmt.Errorf("couldn't read the contract: %w", err)
	}
	if len(doc.Content) != 1 || at(doc.Content[0], "paths") == nil {
		return Contract{}, errors.New("couldn't read the contract: it has no paths")
	}
	r := reader{root: doc.Content[0]}
	info := at(r.root, "info")
	c := Contract{Title: text(info, "title"), Version: text(info, "version"), Description: text(info, "description")}
	for _, t := range items(at(r.root, "tags")) {
		c.Tags = append(c.Tags, Tag{Name: text(t, "name"), Description: text(t, "description")})
	}
	if err := r.paths(&c); err != nil {
		return Contract{}, err
	}
	return c, each(at(at(r.root, "components"), "schemas"), func(name string, n *yaml.Node) error {
		s := Schema{Name: name, Description: text(n, "description"), Type: typeOf(n)}
		required := items(at(n, "required"))
		err := each(at(n, "properties"), func(name string, p *yaml.Node) error {
			isRequired := slices.ContainsFunc(required, func(x *yaml.Node) bool { return x.Value == name })
			s.Properties = append(s.Properties, Property{Name: name, Type: typeOf(p), Description: text(p, "description"), Required: isRequired})
			return nil
		})
		c.Schemas = append(c.Schemas, s)
		return err
	})
}

func (r reader) paths(c *Contract) error {
	return each(at(r.root, "paths"), func(path string, item *yaml.Node) error {
		return each(item, func(method string, n *yaml.Node) error {
			if !slices.Contains([]string{"get", "post", "put", "delete", "patch", "head", "options"}, method) {
				return nil
			}
			op, err := r.operation(path, method, item, n)
			if err != nil {
				return err
			}
			tags := items(at(n, "tags"))
			i := -1
			if len(tags) > 0 {
				i = slices.IndexFunc(c.Tags, func(t Tag) bool { return t.Name == tags[0].Value })
			}
			if i < 0 {
				return fmt.Errorf("couldn't read the contract: %s %s has no tag that is declared", method, path)
			}
			c.Tags[i].Operations = append(c.Tags[i].Operations, op)
			return nil
		})
	})
}

func (r reader) operation(path, method string, item, n *yaml.Node) (Operation, error) {
	op := Operation{
		ID: text(n, "operationId"), Method: strings.ToUpper(method), Path: path, Summary: text(n, "summary"), Description: text(n, "description"),
	}
	if s := at(n, "security"); s != nil {
		op.Open = len(s.Content) == 0 || (len(s.Content[0].Content) == 0)
	}
	for _, p := range slices.Concat(items(at(item, "parameters")), items(at(n, "parameters"))) {
		p, err := r.resolve(p)
		if err != nil {
			return op, err
		}
		op.Parameters = append(op.Parameters, Parameter{
			Name: text(p, "name"), In: text(p, "in"), Type: typeOf(at(p, "schema")), Description: text(p, "description"), Required: text(p, "required") == "true",
		})
	}
	content := at(at(n, "requestBody"), "content")
	op.Bodies = bodies(content)
	if body := at(at(content, "application/json"), "schema"); body != nil {
		op.Sample = r.sample(body)
	}
	return op, each(at(n, "responses"), func(status string, resp *yaml.Node) error {
		if status == "default" {
			return nil
		}
		resp, err := r.resolve(resp)
		op.Answers = append(op.Answers, Answer{Status: status, Description: text(resp, "description"), Bodies: bodies(at(resp, "content"))})
		return err
	})
}

func bodies(content *yaml.Node) []Body {
	var out []Body
	_ = each(content, func(media string, n *yaml.Node) error {
		out = append(out, Body{MediaType: media, Type: typeOf(at(n, "schema"))})
		return nil
	})
	return out
}

// resolve follows one $ref; ours never lead to another.
func (r reader) resolve(n *yaml.Node) (*yaml.Node, error) {
	ref := text(n, "$ref")
	if ref == "" {
		return n, nil
	}
	found := r.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		found = at(found, part)
	}
	if found == nil {
		return nil, fmt.Errorf("couldn't read the contract: %s is not there", ref)
	}
	return found, nil
}

// typeOf says in a few words what a schema admits: a name, a type, a list of either, or the values of an enumeration.
func typeOf(n *yaml.Node) string {
	if ref := text(n, "$ref"); ref != "" {
		return ref[strings.LastIndexByte(ref, '/')+1:]
	}
	for _, word := range []string{"oneOf", "anyOf", "allOf"} {
		if list := items(at(n, word)); len(list) > 0 {
			parts := make([]string, len(list))
			for i, one := range list {
				parts[i] = typeOf(one)
			}
			if word == "allOf" {
				return strings.Join(parts, " & ")
			}
			return strings.Join(parts, " | ")
		}
	}
	kind := text(n, "type")
	if kind == "array" {
		return typeOf(at(n, "items")) + "[]"
	}
	if values := items(at(n, "enum")); len(values) > 0 && len(values) <= 12 {
		parts := make([]string, len(values))
		for i, v := range values {
			parts[i] = v.Value
		}
		return strings.Join(parts, " | ")
	}
	if format := text(n, "format"); format != "" {
		kind += " (" + format + ")"
	}
	return kind
}

// at is the value of a member; nil when there is none.
func at(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

func text(n *yaml.Node, name string) string {
	if v := at(n, name); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// each walks the members of an object in their order.
func each(n *yaml.Node, visit func(name string, value *yaml.Node) error) error {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := visit(n.Content[i].Value, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}
