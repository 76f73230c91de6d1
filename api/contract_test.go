package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"qaqpa/api/language"
	"qaqpa/api/portal"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"
)

// contract is openapi.yaml as kin-openapi sees it. Responses may have no members that it does not name: clients ignore
// them, but here they would be members that nobody described.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

func loadContract(tb testing.TB) *contract {
	tb.Helper()
	return contractOf(tb, openapi)
}

func contractOf(tb testing.TB, file []byte) *contract {
	tb.Helper()
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(file)
	if err != nil {
		tb.Fatal(err)
	}
	if err := doc.Validate(loader.Context); err != nil {
		tb.Fatal(err)
	}
	for _, ref := range doc.Components.Schemas {
		closeSchema(ref.Value)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		tb.Fatal(err)
	}
	for _, name := range []string{typeBytes, typeCMS, typeSignature, typePDF, typeYAML, typeCSS, typeSVG, typeHTML, typeTimeQuery, typeTimeReply, typeXML, typeTextXML, typeLines} {
		openapi3filter.RegisterBodyDecoder(name, openapi3filter.FileBodyDecoder)
	}
	return &contract{doc: doc, router: router}
}

func closeSchema(s *openapi3.Schema) {
	if s == nil {
		return
	}
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		if p.Ref == "" {
			closeSchema(p.Value)
		}
	}
	if s.Items != nil && s.Items.Ref == "" {
		closeSchema(s.Items.Value)
	}
}

// judge holds an exchange against the contract. Requests that are bad on purpose are judged by their response alone.
func (c *contract) judge(tb testing.TB, req *http.Request, sent []byte, resp *http.Response, got []byte, badRequest bool) {
	tb.Helper()
	relative := req.Clone(context.Background())
	relative.URL = &url.URL{Path: req.URL.Path, RawQuery: req.URL.RawQuery}
	relative.Body = io.NopCloser(bytes.NewReader(sent))
	if relative.Method == http.MethodHead {
		relative.Method = http.MethodGet
		got = nil
	}
	route, params, err := c.router.FindRoute(relative)
	if err != nil {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed && resp.StatusCode != http.StatusNoContent {
			tb.Errorf("%s %s is not in the contract but was answered %d", req.Method, req.URL.Path, resp.StatusCode)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: relative, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
			IncludeResponseStatus: true,
			ExcludeRequestBody:    strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/") || strings.HasPrefix(req.Header.Get("Content-Type"), "text/"),
		},
	}
	if !badRequest {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			tb.Errorf("%s %s: the request is outside the contract: %v", req.Method, req.URL, err)
		}
	}
	if req.Method == http.MethodHead || resp.StatusCode == http.StatusNotModified || resp.StatusCode == http.StatusFound {
		return
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: in.Options,
		Body: io.NopCloser(bytes.NewReader(got)),
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		tb.Errorf("%s %s: the answer %d is outside the contract: %v\n%s", req.Method, req.URL, resp.StatusCode, err, head(got))
	}
}

func head(b []byte) []byte { return b[:min(len(b), 2000)] }

// The document and the running routes are the same, both ways, and so is what each asks of the caller.
func TestRoutesEqualContract(t *testing.T) {
	c := loadContract(t)
	s := bare(t)
	table, err := s.routes()
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]route{}
	for _, rt := range table {
		served[rt.method+" "+rt.path] = rt
	}
	described := map[string]*openapi3.Operation{}
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			op.Parameters = append(slices.Clone(op.Parameters), item.Parameters...)
			described[method+" "+path] = op
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(served))); diff != "" {
		t.Fatalf("contract and routes differ:\n%s", diff)
	}
	for name, rt := range served {
		t.Run(name, func(t *testing.T) { compareOperation(t, rt, described[name]) })
	}
}

func compareOperation(t *testing.T, rt route, op *openapi3.Operation) {
	t.Helper()
	var query []string
	hasKey := false
	for _, p := range op.Parameters {
		switch p.Value.In {
		case "query":
			query = append(query, p.Value.Name)
		case "header":
			hasKey = hasKey || p.Value.Name == "Idempotency-Key"
		}
	}
	slices.Sort(query)
	args := slices.Sorted(slices.Values(rt.args))
	if !slices.Equal(query, args) {
		t.Errorf("query parameters: contract %v, route %v", query, args)
	}
	if hasKey != rt.idempotent {
		t.Errorf("Idempotency-Key: contract %v, route %v", hasKey, rt.idempotent)
	}
	open := op.Security != nil && (len(*op.Security) == 0 || len((*op.Security)[0]) == 0)
	if open != (rt.scope == "" && !rt.anyScope) {
		t.Errorf("open to everybody: contract %v, route scope %q", open, rt.scope)
	}
	if rt.scope != "" && !strings.Contains(op.Description, "`"+string(rt.scope)+"`") {
		t.Errorf("the description does not name scope %s", rt.scope)
	}
	var takes []string
	if op.RequestBody != nil {
		takes = slices.Sorted(maps.Keys(op.RequestBody.Value.Content))
	}
	if !slices.Equal(takes, slices.Sorted(slices.Values(rt.consumes[:len(rt.consumes)*min(rt.bodyMax, 1)]))) {
		t.Errorf("bodies: contract %v, route %v", takes, rt.consumes)
	}
	for status, resp := range op.Responses.Map() {
		if status[0] != '2' || len(resp.Value.Content) == 0 {
			continue
		}
		gives, offers := slices.Sorted(maps.Keys(resp.Value.Content)), append([]string{rt.produces}, rt.offers...)
		if slices.Sort(offers); !slices.Equal(gives, offers) {
			t.Errorf("%s: contract gives %v, route %v", status, gives, offers)
		}
	}
}

// Each code that can leave the gateway is in the contract, has texts in three languages, and the other way round.
func TestCodesAreDescribed(t *testing.T) {
	c := loadContract(t)
	var described []string
	for _, v := range c.doc.Components.Schemas["Code"].Value.Enum {
		described = append(described, fmt.Sprint(v))
	}
	var known []string
	for code := range statuses() {
		known = append(known, string(code))
	}
	slices.Sort(described)
	slices.Sort(known)
	if diff := cmp.Diff(described, known); diff != "" {
		t.Errorf("contract and codes differ:\n%s", diff)
	}
	texts, err := language.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range language.All() {
		for _, code := range known {
			for _, part := range []string{".title", ".detail"} {
				if !texts.Has(l, "problem."+code+part) {
					t.Errorf("%s: no text for problem.%s%s", l, code, part)
				}
			}
		}
		for _, n := range portal.Notices() {
			for _, part := range []string{".title", ".text"} {
				if !texts.Has(l, "verify.notice."+string(n)+part) {
					t.Errorf("%s: no text for notice %s%s", l, n, part)
				}
			}
		}
	}
}
