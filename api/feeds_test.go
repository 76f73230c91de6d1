package api

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

func (w *whole) feed(name, body string) answered {
	w.t.Helper()
	return w.do(call{method: http.MethodPost, path: "/v1/debts/feeds", key: w.agencyKey, idem: name, contentType: typeLines, body: []byte(body), chunked: true})
}

// readFeed takes the answer of a feed apart.
func readFeed(tb testing.TB, a answered) (results []payment.FeedResult, report payment.FeedReport) {
	tb.Helper()
	a.fine(tb, http.StatusOK)
	lines := strings.Split(strings.TrimSpace(string(a.body)), "\n")
	for _, line := range lines[:len(lines)-1] {
		var r payment.FeedResult
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			tb.Fatal(err)
		}
		results = append(results, r)
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil {
		tb.Fatal(err)
	}
	return results, report
}

// An agency sends debts by the line, loses the connection, and sends them again.
func TestFeeds(t *testing.T) {
	w := start(t)
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", licence("driving-licence")), 201)
	var body strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&body, `{"reference":"R-%d","payer":{"id":%q},"service":%q}`+"\n", i, w.citizen.IIN(), service.ID)
	}
	cut(t, w, "f-0", body.String(), true)
	cut(t, w, "f-1", body.String(), false)
	progress := in[payment.FeedReport](t, w.get(w.agencyKey, "/v1/debts/feeds/f-1"), 200)
	if progress.Lines != 1000 || progress.Complete {
		t.Fatalf("after the cut: %+v", progress)
	}
	body.WriteString("garbage\n")
	results, report := readFeed(t, w.feed("f-1", body.String()))
	if len(results) != 1501 || report.Accepted != 1500 || report.Refused != 1 || !report.Complete || results[1500].Code != "json_syntax" || results[1500].Line != 1501 {
		t.Fatalf("%d results, %+v, %+v", len(results), report, results[len(results)-1])
	}
	again := w.feed("f-1", body.String())
	if again.header.Get("Idempotent-Replayed") != "true" {
		t.Error("the repetition is not told as such")
	}
	if got := w.get(w.agencyKey, "/v1/debts/feeds/f-1/results"); string(got.body) != string(again.body) || len(got.body) < 100_000 {
		t.Error("the results differ from the answer")
	}
	w.feed("f-1", body.String()+body.String()).want(t, http.StatusUnprocessableEntity, "idempotency_key_reused")
	w.get(w.otherAgencyKey, "/v1/debts/feeds/f-1").want(t, http.StatusNotFound, "feed_unknown")
	w.get(w.otherAgencyKey, "/v1/debts/feeds/f-1/results").want(t, http.StatusNotFound, "feed_unknown")
	w.get(w.portalKey, "/v1/debts/feeds/f-1").want(t, http.StatusForbidden, codeScope)
	none := call{method: http.MethodPost, path: "/v1/debts/feeds", key: w.agencyKey, idem: "f-2", contentType: typeLines, body: []byte{}, chunked: true, bad: true}
	if _, empty := readFeed(t, w.do(none)); empty.Lines != 0 || !empty.Complete {
		t.Errorf("an empty feed: %+v", empty)
	}
	bad := call{method: http.MethodPost, path: "/v1/debts/feeds", key: w.agencyKey, idem: "f 3", contentType: typeLines, body: []byte("x"), bad: true}
	w.do(bad).want(t, http.StatusBadRequest, codeIdemInvalid)
	bad.idem = strings.Repeat("x", feedNameMax+1)
	w.do(bad).want(t, http.StatusBadRequest, codeIdemInvalid)
	bad.idem, bad.contentType = "f-3", typeFields
	w.do(bad).want(t, http.StatusUnsupportedMediaType, codeMediaType)
	bad.contentType, bad.key = typeLines, w.key(auth.Bank, ownBIC)
	w.do(bad).want(t, http.StatusForbidden, codeScope)
}

// The same debts as one array are the same feed; a bad element is told by its number, and an array that breaks off by how far it came.
func TestFeedOfAnArray(t *testing.T) {
	w := start(t)
	service := in[catalog.Service](t, w.send(w.agencyKey, "/v1/services", licence("driving-licence")), 201)
	lines := make([]string, 1002)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"reference":"A-%d","payer":{"id":%q},"service":%q}`, i, w.citizen.IIN(), service.ID)
	}
	lines[7], lines[1001] = `{"reference":"A-7","payer":{"id":"1"},"amount":0.5}`, `"garbage"`
	send := func(name, media, body string) answered {
		return w.do(call{method: http.MethodPost, path: "/v1/debts/feeds", key: w.agencyKey, idem: name, contentType: media, body: []byte(body), chunked: true, bad: true})
	}
	results, report := readFeed(t, send("a-1", typeJSON+"; charset=utf-8", "[\n  "+strings.Join(lines, ",\n  ")+"\n]\n"))
	if report.Lines != 1002 || report.Accepted != 1000 || results[7].Line != 8 || results[7].Code != "json_wrong_type" || results[7].Field != "amount" || results[1001].Code != "json_wrong_type" {
		t.Fatalf("%+v, %+v", report, results[7])
	}
	again := send("a-1", typeLines, strings.Join(lines, "\n"))
	if _, same := readFeed(t, again); again.header.Get("Idempotent-Replayed") != "true" || same.Accepted != 1000 {
		t.Errorf("the same as lines: %+v", same)
	}
	for name, body := range map[string]string{"not closed": "[" + strings.Join(lines, ","), "closed wrongly": "[" + strings.Join(lines, ",") + "}", "more behind it": "[" + strings.Join(lines, ",") + "] []"} {
		got := send("b-"+strings.ReplaceAll(name, " ", "-"), typeJSON, body)
		if got.status != http.StatusBadRequest || !strings.Contains(string(got.body), "lines stored: 1000") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	send("c-1", typeJSON, `{"debts":[]}`).want(t, http.StatusBadRequest, "json_wrong_type")
	if _, none := readFeed(t, send("c-2", typeJSON, " [ ] ")); none.Lines != 0 || !none.Complete {
		t.Errorf("an empty array: %+v", none)
	}
}

// cut sends a feed of which the connection breaks: in the middle of a line under Content-Length, or between two chunks.
func cut(t *testing.T, w *whole, name, body string, chunked bool) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	part := body[:len(body)-10]
	framing := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), part)
	if chunked {
		part = body[:strings.LastIndexByte(part, '\n')+1] // the lines are whole, and still some are missing
		framing = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(part), part)
	}
	_, err = fmt.Fprintf(conn, "POST /v1/debts/feeds HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIdempotency-Key: %s\r\nContent-Type: %s\r\n%s",
		w.agencyKey, name, typeLines, framing)
	if err != nil {
		t.Fatal(err)
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		t.Fatal("not TCP")
	}
	if err := tcp.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "lines stored: 1000") {
		t.Fatalf("%d %s %v", resp.StatusCode, head(text), err)
	}
}

// An agency that dawdles over one feed gets no second one, and nobody else waits for it.
func TestOneFeedAtATime(t *testing.T) {
	w := start(t)
	w.feeders.Store(w.agencyID, true) // as while its feed is being read
	w.feed("f-1", "{}\n").want(t, http.StatusServiceUnavailable, codeBusy)
	other := call{method: http.MethodPost, path: "/v1/debts/feeds", key: w.otherAgencyKey, idem: "f-1", contentType: typeLines, body: []byte("{}\n")}
	if _, report := readFeed(t, w.do(other)); report.Refused != 1 {
		t.Errorf("%+v", report)
	}
	w.feeders.Delete(w.agencyID)
	w.feed("f-2", "{}\n").fine(t, http.StatusOK)
}

// What webhooks tell can be fetched, by its agency alone.
func TestEventFeed(t *testing.T) {
	w := start(t)
	_, o := w.pay("EV-1")
	path := "/v1/agencies/" + w.agencyID + "/events"
	var page payment.EventPage
	for deadline := time.Now().Add(20 * time.Second); len(page.Items) == 0; time.Sleep(20 * time.Millisecond) {
		if page = in[payment.EventPage](t, w.get(w.agencyKey, path), 200); time.Now().After(deadline) {
			t.Fatal("no event came")
		}
	}
	if e := page.Items[0]; e.Seq != 1 || page.Next != 1 || page.HasMore || !strings.Contains(string(e.Event), o.ID) {
		t.Errorf("%+v", page)
	}
	if rest := in[payment.EventPage](t, w.get(w.operatorKey, path+"?after=1&limit=1"), 200); len(rest.Items) != 0 || rest.Next != 1 {
		t.Errorf("%+v", rest)
	}
	w.get(w.otherAgencyKey, path).want(t, http.StatusNotFound, codeNotOwn)
	w.get(w.bankKey, path).want(t, http.StatusForbidden, codeAgencyOnly)
	w.get(w.operatorKey, "/v1/agencies/agc_none/events").want(t, http.StatusNotFound, "agency_unknown")
	for _, query := range []string{"?after=-1", "?after=x", "?after=99999999999999999999", "?limit=0", "?limit=101", "?limit=x"} {
		w.do(call{method: http.MethodGet, path: path + query, key: w.agencyKey, bad: true}).want(t, http.StatusBadRequest, codeQuery)
	}
}
