package reference

import (
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
