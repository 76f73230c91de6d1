package statement

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"qaqpa/payment/money"
	"qaqpa/payment/statement/xmlpull"
)

// iso reads messages of ISO 20022: it walks the tokens of the document along a tree of the elements that have a meaning, and skips
// what has none. Elements of other namespaces than that of Document have none (attack: an extension that brings an Amt of its own).
type iso struct {
	*collector
	xml   *xmlpull.Reader
	space int
	path  []string

	serials uint64
	message Header // of the file, for each of its statements

	balanceNow  Balance
	balanceSet  uint8 // what of it was told: 1 amount, 2 direction
	balanceSide Direction
	detail      *Detail
	values      *arena // where values of detail live
	currency    money.Currency
	group       Detail // PmtInf
	groupBytes  arena
	groupCheck  groupCheck
	messageID   []byte
}

type groupCheck struct {
	line                  int
	declared, declaredSum int64
	hasSum                bool
	count, sum            int64
	requested             Date
}

const isoNamespace = "urn:iso:std:iso:20022:tech:xsd:"

// versionsMax is the newest version of each message that the reader knows, and the oldest beside.
var isoVersions = map[Format][2]int{
	Camt052: {2, 13},
	Camt053: {2, 13},
	Camt054: {2, 13},
	Pain001: {3, 12},
	Pain002: {3, 14},
	Pacs008: {2, 13},
}

// isoFormat reads a namespace: the format and the version in the form "001.08".
func isoFormat(namespace string) (Format, string, error) {
	message, ok := strings.CutPrefix(namespace, isoNamespace)
	if !ok || len(message) != len("camt.053.001.08") || message[8] != '.' {
		return "", "", ErrUnknown
	}
	f, version := Format(message[:8]), message[9:]
	known, ok := isoVersions[f]
	if !ok {
		return "", "", ErrUnknown
	}
	n := number([]byte(version[4:]))
	if version[:4] != "001." || n < known[0] || n > known[1] {
		return f, version, ErrVersion
	}
	return f, version, nil
}

// envelopeDepthMax bounds how deep in an envelope the Document is looked for.
const envelopeDepthMax = 8

// findDocument reads to the start of Document and tells its format.
func findDocument(x *xmlpull.Reader) (Format, string, error) {
	for {
		kind, err := x.Next()
		if err != nil {
			return "", "", err
		}
		switch kind {
		case xmlpull.EOF:
			return "", "", ErrUnknown
		case xmlpull.Start:
			if string(x.Local()) == "Document" {
				return isoFormat(x.Space())
			}
			if x.Depth() > envelopeDepthMax {
				return "", "", ErrUnknown
			}
			// A header is no place for the payload (attack: a Document inside of a signed header).
			if string(x.Local()) == "AppHdr" {
				if err := x.Skip(); err != nil {
					return "", "", err
				}
			}
		case xmlpull.End, xmlpull.Text:
		}
	}
}

// readISO reads an XML file.
func readISO(src io.Reader, h Handler, o Options) (Summary, error) {
	x := xmlpull.New(src, xmlpull.Limits{})
	c := newCollector(h, o, "xml")
	r := &iso{collector: c, xml: x, values: &c.detailBytes}
	f, version, err := findDocument(x)
	c.summary.Format, c.summary.Version = f, version
	switch {
	case errors.Is(err, ErrVersion):
		return c.summary, c.fail(x.Line(), "Document", ErrVersion, version)
	case errors.Is(err, ErrUnknown):
		return c.summary, ErrUnknown
	case err != nil:
		c.summary.Format = "xml"
		return c.summary, r.wrap(err)
	}
	r.space = x.SpaceID()
	tree, name := messageTree(f, o.Places)
	r.path = append(r.path, "Document")
	if err := r.document(tree, name); err != nil {
		return c.summary, err
	}
	return c.summary, r.tail()
}

// signatureSpace is the namespace of XML signatures, which stand inside of Document when they are enveloped.
const signatureSpace = "http://www.w3.org/2000/09/xmldsig#"

// document reads the content of Document: one element, of the name that the namespace promises.
func (r *iso) document(tree *node, name string) error {
	for found := false; ; {
		kind, err := r.xml.Next()
		if err != nil {
			return r.wrap(err)
		}
		if kind == xmlpull.End {
			if !found {
				return r.at(ErrStructure, "no "+name+" inside")
			}
			return nil
		}
		if kind == xmlpull.Start && string(r.xml.Local()) == "Signature" && r.xml.Space() == signatureSpace {
			// Signatures are judged before the file is read; what stands in them is no part of the message.
			if err := r.xml.Skip(); err != nil {
				return r.wrap(err)
			}
			continue
		}
		if kind != xmlpull.Start || string(r.xml.Local()) != name || r.xml.SpaceID() != r.space || found {
			return r.at(ErrStructure, "one "+name+" is expected")
		}
		found = true
		r.path = append(r.path, name)
		kindOf := r.summary.Format.Kind()
		if kindOf == Orders || kindOf == Statuses {
			if err := r.begin(r.xml.Line()); err != nil {
				return err
			}
		}
		if err := r.element(tree.child([]byte(name))); err != nil {
			return err
		}
		if r.open {
			if err := r.end(r.xml.Line()); err != nil {
				return err
			}
		}
		r.path = r.path[:1]
	}
}

// tail reads what follows Document: the end of an envelope, and no second Document (attack: one that is signed and one that is read).
func (r *iso) tail() error {
	for {
		kind, err := r.xml.Next()
		if err != nil {
			return r.wrap(err)
		}
		if kind == xmlpull.EOF {
			return nil
		}
		if kind == xmlpull.Start && string(r.xml.Local()) == "Document" {
			return r.at(ErrStructure, "a second Document")
		}
	}
}

// element reads the children of an element up to its end.
func (r *iso) element(n *node) error {
	r.serials++
	serial := r.serials
	for {
		kind, err := r.xml.Next()
		if err != nil {
			return r.wrap(err)
		}
		switch kind {
		case xmlpull.End:
			return nil
		case xmlpull.Text:
			if n.field == fieldNone || isBlock(n.field) {
				return r.at(ErrStructure, "text where elements are expected")
			}
			if err := r.set(n.field, bytes.TrimSpace(r.xml.Text())); err != nil {
				return err
			}
		case xmlpull.Start:
			k := n.child(r.xml.Local())
			if k == nil || r.xml.SpaceID() != r.space {
				if err := r.xml.Skip(); err != nil {
					return r.wrap(err)
				}
				continue
			}
			r.path = append(r.path, k.name)
			if k.serial == serial && !k.repeats {
				return r.at(ErrStructure, "stands twice")
			}
			k.serial = serial
			if err := r.known(k); err != nil {
				return err
			}
			r.path = r.path[:len(r.path)-1]
		case xmlpull.EOF:
		}
	}
}

// known reads an element that has a meaning: a value, or more elements, perhaps a block between whose ends something is gathered.
func (r *iso) known(n *node) error {
	if len(n.kids) > 0 {
		if !isBlock(n.field) {
			return r.element(n)
		}
		if err := r.opened(n.field); err != nil {
			return err
		}
		if err := r.element(n); err != nil {
			return err
		}
		return r.closed(n.field)
	}
	if n.field == fieldNone {
		return r.wrapped(r.xml.Skip())
	}
	if isMoney(n.field) {
		ccy, _ := r.xml.Attr("Ccy")
		code, ok := r.codes.intern(ccy)
		if !ok {
			return r.at(ErrValue, "Ccy is not a currency: "+quote(ccy))
		}
		r.currency = code
	}
	text, err := r.xml.ReadText()
	if err != nil {
		return r.wrap(err)
	}
	return r.set(n.field, bytes.TrimSpace(text))
}

func isBlock(f field) bool {
	return f >= blockStatement && f <= blockInfoStatus || f == fieldBatch
}

func isMoney(f field) bool {
	switch f { //nolint:exhaustive // the others are not
	case fieldBalanceAmount, fieldAmount, fieldBatchTotal, fieldTxAmount, fieldTxAmountOld, fieldInstructed, fieldTotal:
		return true
	}
	return false
}

// at is a fault of the file at the place that is being read.
func (r *iso) at(kind error, text string) error {
	return r.fail(r.xml.Line(), strings.Join(r.path, "/"), kind, text)
}

func (r *iso) wrapped(err error) error {
	if err == nil {
		return nil
	}
	return r.wrap(err)
}

// wrap gives an error of the XML reader its path. An error of the source stays what it is.
func (r *iso) wrap(err error) error {
	var fault *xmlpull.SyntaxError
	if !errors.As(err, &fault) {
		return err
	}
	kind := ErrSyntax
	switch {
	case errors.Is(err, xmlpull.ErrEncoding):
		kind = ErrEncoding
	case errors.Is(err, xmlpull.ErrLimit):
		kind = ErrLimit
	}
	return r.fail(fault.Line, strings.Join(r.path, "/"), kind, fault.Err.Error()+": "+fault.Text)
}
