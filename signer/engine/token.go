package engine

import (
	"qaqpa/signer/cms"
	"qaqpa/signer/report"
	"qaqpa/signer/tsp"
)

// FormatToken is the format of a time-stamp token that stands alone.
const FormatToken = "TST"

// isResponse tells a TimeStampResp, as authorities send it, from other documents.
func isResponse(document []byte) bool {
	r, err := tsp.ParseResponse(document)
	return err == nil && r.Token != nil
}

// openToken reads a time-stamp token (RFC 3161 2.4.2), or the response that brought it, as a document: over the original that
// came beside it.
func (c *Case) openToken(document []byte) {
	token, err := cms.Dearmour(document)
	if err != nil {
		c.refuse("UNKNOWN", report.ReasonUnreadable, err)
		return
	}
	if r, err := tsp.ParseResponse(token); err == nil && r.Token != nil {
		token = r.RawToken
	}
	c.format, c.content, c.tokenCovers = FormatToken, c.original.Octets, "DETACHED"
	c.token = c.openStamp(cms.Stamp{Kind: cms.TokenStamp, Token: token, Over: []cms.Content{c.original.of()}})
}

// judgeToken is the time-stamp process (EN 319 102-1 5.4) for a token that stands alone. Its authority is judged for the time
// in question: nothing proves that the token is older.
func (a *assessment) judgeToken() {
	v := &a.verdict
	t := a.timeStamp(a.c.token, newProofs(a.set.At), false)
	v.TimeStamps = []report.TimeStamp{t}
	v.Indication, v.Sub = t.Indication, t.Sub
	if t.Indication == report.TotalPassed {
		v.Coverage = a.c.tokenCovers
	}
}
