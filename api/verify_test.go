package api

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/signer"
	"qaqpa/signer/audit"
	"qaqpa/signer/fetch"
	"qaqpa/signer/trust"
	"qaqpa/testenv/pki"
	"qaqpa/testenv/postgres"

	"github.com/jmoiron/sqlx"
)

// judging is a gateway whose signer asks a test PKI.
type judging struct {
	*gateway
	pki *pki.PKI
}

func newSigner(tb testing.TB, p *pki.PKI, db *sqlx.DB) *signer.Service {
	tb.Helper()
	srv, err := p.Serve(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = srv.Close() })
	store, err := trust.New(trust.Config{Mode: trust.Custom, Anchors: [][]byte{p.AnchorsPEM()}, Intermediates: [][]byte{p.IntermediatesPEM()}})
	if err != nil {
		tb.Fatal(err)
	}
	client, err := fetch.New(fetch.Config{AllowPrivate: true, Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	trail, err := audit.New(audit.Config{Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := signer.New(signer.Config{DB: db, Trust: store, Fetch: client, Audit: trail, Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func newJudging(tb testing.TB) *judging {
	tb.Helper()
	db := postgres.ForTest(tb, signer.Migrate, auth.Migrate)
	p := pki.ForTest(tb, pki.ECDSA)
	return &judging{gateway: serveFront(tb, db, &payment.Service{}, newSigner(tb, p, db), nil), pki: p}
}

func (j *judging) citizen() *pki.Identity {
	j.t.Helper()
	id, err := j.pki.Issue(pki.Profile{Name: "ulzhan", Family: pki.ECDSA, Kind: pki.Citizen, Surname: "ӘБДІҒАЛИҚЫЗЫ", Given: "ҰЛЖАН", IIN: pki.IIN(7)})
	if err != nil {
		j.t.Fatal(err)
	}
	return id
}

func (j *judging) sign(id *pki.Identity, content []byte, o pki.CMSOptions) []byte {
	j.t.Helper()
	cms, err := id.SignCMS(content, o)
	if err != nil {
		j.t.Fatal(err)
	}
	return cms
}

// form writes a multipart body.
func form(tb testing.TB, parts map[string][]byte) (contentType string, body []byte) {
	tb.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for name, content := range parts {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name=%q; filename="file"`, name))
		part, err := w.CreatePart(h)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := part.Write(content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return w.FormDataContentType(), buf.Bytes()
}

func TestValidationTakesAllForms(t *testing.T) {
	j := newJudging(t)
	id, content := j.citizen(), []byte("қаулы")
	attached, detached := j.sign(id, content, pki.CMSOptions{}), j.sign(id, content, pki.CMSOptions{Detached: true})
	b64 := base64.StdEncoding.EncodeToString
	contentType, both := form(t, map[string][]byte{"document": detached, "detached": content})
	for name, c := range map[string]call{
		"JSON":          {contentType: typeJSON, body: fmt.Appendf(nil, `{"document":%q}`, b64(attached))},
		"JSON detached": {contentType: typeJSON, body: fmt.Appendf(nil, `{"document":%q,"detached":%q}`, b64(detached), b64(content))},
		"form":          {contentType: contentType, body: both},
		"bytes":         {contentType: typeBytes, body: attached},
		"CMS":           {contentType: typeCMS, body: attached},
		"PEM armour":    {contentType: typeBytes, body: pki.ArmourCMS(attached)},
	} {
		t.Run(name, func(t *testing.T) {
			c.method, c.path = http.MethodPost, "/v1/validations"
			v := in[signer.Verdict](t, j.do(c), 200)
			if !v.Passed() || v.Signatures[0].Signer.IIN != pki.IIN(7) || v.ID != "" {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestValidationWithKeyIsKept(t *testing.T) {
	j := newJudging(t)
	key := j.key(auth.Portal, "egov")
	cms := j.sign(j.citizen(), []byte("x"), pki.CMSOptions{})
	v := in[signer.Verdict](t, j.do(call{method: http.MethodPost, path: "/v1/validations", key: key, contentType: typeCMS, body: cms}), 200)
	kept, err := j.cfg.Signer.Verdict(t.Context(), v.ID)
	if err != nil || kept.DocumentSHA256 != v.DocumentSHA256 {
		t.Errorf("verdict %q was not kept: %v", v.ID, err)
	}
	operator := j.key(auth.Operator, "ops")
	shown := in[signer.Verdict](t, j.do(call{method: http.MethodGet, path: "/v1/validations/" + v.ID, key: operator}), 200)
	if shown.ID != v.ID || !shown.Passed() {
		t.Errorf("got %+v", shown)
	}
	j.do(call{method: http.MethodGet, path: "/v1/validations/vrd_00", key: operator}).want(t, 404, codeNotOwn)
	j.do(call{method: http.MethodGet, path: "/v1/validations/" + v.ID, key: key}).want(t, 403, codeScope)
	j.do(call{method: http.MethodPost, path: "/v1/validations", key: "qk_wrong", contentType: typeCMS, body: cms}).want(t, 401, codeKeyInvalid)
	future := fmt.Appendf(nil, `{"document":%q,"at":"2999-01-01T00:00:00Z"}`, base64.StdEncoding.EncodeToString(cms))
	if p := j.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeJSON, body: future}).want(t, 422, "invalid_request"); p.Field != "/at" {
		t.Errorf("got %+v", p)
	}
}

func TestInvalidSignatureIsAResult(t *testing.T) {
	j := newJudging(t)
	id := j.citizen()
	cms := j.sign(id, []byte("x"), pki.CMSOptions{CorruptSignature: true})
	v := in[signer.Verdict](t, j.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeCMS, body: cms}), 200)
	if v.Indication != "TOTAL-FAILED" {
		t.Errorf("got %s", v.Indication)
	}
	for _, body := range []string{"nonsense", "{}", "%PDF-1.7", strings.Repeat("0", 100_000)} {
		v := in[signer.Verdict](t, j.do(call{method: http.MethodPost, path: "/v1/validations", contentType: typeBytes, body: []byte(body)}), 200)
		if v.Indication != "TOTAL-FAILED" || v.Format != "UNKNOWN" && body != "%PDF-1.7" || len(v.Signatures) != 0 {
			t.Errorf("%.10s: got %+v", body, v)
		}
	}
}

func (j *judging) upload(lang string, parts map[string][]byte) answered {
	contentType, body := form(j.t, parts)
	return j.do(call{method: http.MethodPost, path: "/verify?lang=" + lang, contentType: contentType, body: body})
}

// shows checks that the page says something, whatever its escaping.
func (a answered) shows(tb testing.TB, status int, texts ...string) {
	tb.Helper()
	page := html.UnescapeString(string(a.body))
	if a.status != status || !strings.HasPrefix(a.header.Get("Content-Type"), typeHTML) {
		tb.Fatalf("got %d %s: %s", a.status, a.header.Get("Content-Type"), head(a.body))
	}
	for _, text := range texts {
		if !strings.Contains(page, text) {
			tb.Errorf("the page does not say %q", text)
		}
	}
}

func TestPageSaysWhetherADocumentHolds(t *testing.T) {
	j := newJudging(t)
	id, content := j.citizen(), []byte("қаулы")
	attached, detached := j.sign(id, content, pki.CMSOptions{}), j.sign(id, content, pki.CMSOptions{Detached: true})
	j.upload("kk", map[string][]byte{"document": attached}).shows(t, 200, `<html lang="kk">`, "Қолтаңба жарамды", "ӘБДІҒАЛИҚЫЗЫ ҰЛЖАН", pki.IIN(7), "Файл ішіндегі құжат тұтас", "дәлелденбеген")
	j.upload("ru", map[string][]byte{"document": detached, "detached": content}).shows(t, 200, `<html lang="ru">`, "Подпись действительна", "Приложенный исходный документ целиком")
	j.upload("en", map[string][]byte{"document": content, "detached": detached}).shows(t, 200, "The signature holds") // in the wrong fields
	j.upload("en", map[string][]byte{"detached": attached}).shows(t, 200, "The signature holds")
	j.upload("en", map[string][]byte{"document": detached, "detached": []byte("другое")}).shows(t, 200, "The signature does not hold", "The name is not confirmed", "Nothing is confirmed")
	j.upload("ru", map[string][]byte{"document": detached}).shows(t, 200, "Пока не установлено")
	j.upload("kk", map[string][]byte{"document": []byte("%PDF-1.7")}).shows(t, 200, "Қолтаңба табылмады")
	j.upload("ru", map[string][]byte{"lang": []byte("ru")}).shows(t, 400, "Форму не удалось прочитать")
	j.upload("ru", map[string][]byte{"detached": nil, "document": nil}).shows(t, 400, "Файл не выбран")
	j.upload("kk", map[string][]byte{"document": make([]byte, 16<<20+100)}).shows(t, 413, "Файл тым үлкен", "16 МБ")
	if err := j.pki.Revoke(id, pki.KeyCompromise, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	other := j.sign(id, []byte("after"), pki.CMSOptions{})
	j.upload("ru", map[string][]byte{"document": other}).shows(t, 200, "отозван")
}

func TestPageWithoutDocument(t *testing.T) {
	j := newJudging(t)
	get := func(path, accept string) answered {
		return j.do(call{method: http.MethodGet, path: path, header: map[string]string{"Accept-Language": accept, "Accept": "text/html,*/*;q=0.8"}, bad: strings.HasSuffix(path, "lang=xx")})
	}
	get("/verify", "").shows(t, 200, `<html lang="kk">`, "Құжатты немесе түбіртекті тексеру")
	get("/verify", "ru-RU,ru;q=0.9").shows(t, 200, `<html lang="ru">`)
	get("/verify?lang=en", "ru-RU").shows(t, 200, `<html lang="en">`, `aria-current="true">English`)
	get("/verify?lang=xx", "ru-RU").shows(t, 200, `<html lang="ru">`)
	for _, odd := range []string{`%3Cscript%3Ealert(1)%3C/script%3E`, `%22onfocus=alert(1)`, `a%20b`, `қ`} {
		a := get("/verify?lang=en&code="+odd, "")
		a.shows(t, 404, "There is no such receipt")
		if bytes.Contains(a.body, []byte("<script>")) || bytes.Contains(a.body, []byte(`"onfocus`)) {
			t.Errorf("%s came back as it was", odd)
		}
	}
	if css := get("/verify/style.css", ""); css.status != 200 || !strings.HasPrefix(css.header.Get("Content-Type"), typeCSS) {
		t.Errorf("got %d %v", css.status, css.header)
	}
	if icon := get("/verify/icon.svg", ""); icon.status != 200 || icon.header.Get("Content-Type") != typeSVG {
		t.Errorf("got %d %v", icon.status, icon.header)
	}
}

// What a certificate or a document says is text, never markup.
func TestPageEscapesWhatCertificatesSay(t *testing.T) {
	j := newJudging(t)
	id, err := j.pki.Issue(pki.Profile{
		Name: "mallory", Family: pki.ECDSA, Kind: pki.Employee, Role: pki.Head, Surname: `<script>alert(1)</script>`, Given: `"><img src=x onerror=alert(1)>`,
		IIN: pki.IIN(8), BIN: pki.BIN(8), Organisation: `'><style>*{display:none}</style>`,
	})
	if err != nil {
		t.Fatal(err)
	}
	a := j.upload("en", map[string][]byte{"document": j.sign(id, []byte("x"), pki.CMSOptions{})})
	a.shows(t, 200, "The signature holds", "<script>alert(1)</script>") // as text
	own := []byte(`<script src="/verify/verify.js" type="module"></script>`)
	for _, markup := range []string{"<script", "<img src=x", "<style>"} {
		if bytes.Contains(bytes.Replace(a.body, own, nil, 1), []byte(markup)) {
			t.Errorf("the page has %s", markup)
		}
	}
}
