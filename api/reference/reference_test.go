package reference

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const small = `
info: {title: t, version: "1", description: d}
tags: [{name: a, description: about a}]
paths:
  /x/{id}:
    parameters: [{$ref: '#/components/parameters/Id'}]
    get:
      operationId: getX
      tags: [a]
      summary: s
      security: []
      parameters: [{name: n, in: query, schema: {type: integer, format: int64}, description: how many}]
      responses:
        '200': {description: good, content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/X'}}}}}
        default: {description: bad}
    post:
      operationId: postX
      tags: [a]
      requestBody: {content: {application/json: {schema: {oneOf: [{$ref: '#/components/schemas/X'}, {type: string, enum: [p, q]}]}}}}
      responses: {'201': {$ref: '#/components/responses/Made'}}
components:
  parameters: {Id: {name: id, in: path, required: true, schema: {type: string}}}
  responses: {Made: {description: made}}
  schemas:
    X: {type: object, required: [k], properties: {k: {type: string, description: key}, l: {$ref: '#/components/schemas/X'}}}
`

func TestRead(t *testing.T) {
	got, err := Read([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	id := Parameter{Name: "id", In: "path", Type: "string", Required: true}
	want := Contract{
		Title: "t", Version: "1", Description: "d",
		Tags: []Tag{{Name: "a", Description: "about a", Operations: []Operation{
			{
				ID: "getX", Method: "GET", Path: "/x/{id}", Summary: "s", Open: true,
				Parameters: []Parameter{id, {Name: "n", In: "query", Type: "integer (int64)", Description: "how many"}},
				Answers:    []Answer{{Status: "200", Description: "good", Bodies: []Body{{"application/json", "X[]"}}}},
			},
			{
				ID: "postX", Method: "POST", Path: "/x/{id}", Parameters: []Parameter{id},
				Bodies: []Body{{"application/json", "X | p | q"}}, Answers: []Answer{{Status: "201", Description: "made"}},
				Sample: "{\n  \"k\": \"«k»\"\n}",
			},
		}}},
		Schemas: []Schema{{Name: "X", Type: "object", Properties: []Property{{Name: "k", Type: "string", Description: "key", Required: true}, {Name: "l", Type: "X"}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"nothing": "", "no YAML": "\t{", "no paths": "info: {}", "dangling reference": strings.Replace(small, "responses: {Made", "responses: {Other", 1),
		"unknown tag": strings.Replace(small, "tags: [{name: a,", "tags: [{name: b,", 1),
	} {
		if _, err := Read([]byte(doc)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// A sample has what is required, ids, the first of alternatives, and ends where a schema holds itself.
func TestSample(t *testing.T) {
	doc := strings.Replace(small, "    X: {", `    Id: {type: string}
    Loop: {type: object, required: [next], properties: {next: {$ref: '#/components/schemas/Loop'}}}
    Y: {type: object, required: [payer, n, ok, kind, list, day], properties: {payer: {type: object, required: [id], properties: {id: {type: string}, name: {type: string}}},
      n: {type: integer, minimum: 5}, ok: {type: boolean}, kind: {type: string, enum: [p, q]}, list: {type: array, items: {type: integer}}, service: {$ref: '#/components/schemas/Id'},
      day: {type: string, example: '2026-11-30'}, other: {type: string}}}
    X: {`, 1)
	doc = strings.Replace(doc, "oneOf: [{$ref: '#/components/schemas/X'}", "oneOf: [{$ref: '#/components/schemas/Y'}", 1)
	c, err := Read([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"payer\": {\n    \"id\": \"«payer»\"\n  },\n  \"n\": 5,\n  \"ok\": true,\n  \"kind\": \"p\",\n  \"list\": [1],\n  \"service\": \"«service»\",\n  \"day\": \"2026-11-30\"\n}"
	if got := c.Tags[0].Operations[1].Sample; !sameJSON(t, got, want) {
		t.Errorf("got %s", got)
	}
	looped, err := Read([]byte(strings.Replace(doc, "oneOf: [{$ref: '#/components/schemas/Y'}", "oneOf: [{$ref: '#/components/schemas/Loop'}", 1)))
	if err != nil || !json.Valid([]byte(looped.Tags[0].Operations[1].Sample)) {
		t.Errorf("got %s, %v", looped.Tags[0].Operations[1].Sample, err)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return cmp.Equal(x, y)
}
