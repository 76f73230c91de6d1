package feedlines

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"qaqpa/api/strictjson"
	"qaqpa/payment"
	"qaqpa/payment/debt"
)

// LineMax is the most bytes of a line, its end included.
const LineMax = 8 << 10

// ErrCut says that the stream broke off before its end; the cause is wrapped beside it.
var ErrCut = errors.New("feed was cut")

// ErrTooLarge says that a feed has more bytes than its bound.
var ErrTooLarge = errors.New("feed is too large")

// Decoder reads lines. Safe for concurrent use.
type Decoder struct {
	items *strictjson.Decoder[debt.Item]
}

// New plans the reading; it fails when an item has no strict reading.
func New() (*Decoder, error) {
	items, err := strictjson.New[debt.Item](strictjson.Limits{Depth: 4})
	if err != nil {
		return nil, fmt.Errorf("couldn't plan the reading of a debt: %w", err)
	}
	return &Decoder{items: items}, nil
}

// Reader reads one feed. Not safe for concurrent use.
type Reader struct {
	decoder *Decoder
	from    *bufio.Reader
}

// Read begins with a feed of at most most bytes.
func (d *Decoder) Read(from io.Reader, most int64) *Reader {
	return &Reader{decoder: d, from: bufio.NewReaderSize(&capped{from: from, left: most}, LineMax)}
}

// capped fails where a stream passes its bound. An end there instead would make half a line of it, and a whole feed of a part.
type capped struct {
	from io.Reader
	left int64
}

// Read implements io.Reader.
func (c *capped) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	if c.left -= int64(n); c.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

// Next returns the next line; its Raw is valid until the next call. The last line may lack its end. Errors: [io.EOF]
// after the last line, [ErrCut] with the cause when the stream fails before.
func (r *Reader) Next() (payment.FeedLine, error) {
	line, err := r.from.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return r.passOver(line)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return payment.FeedLine{}, fmt.Errorf("%w: %w", ErrCut, err)
	}
	if err != nil && len(line) == 0 {
		return payment.FeedLine{}, io.EOF
	}
	out := payment.FeedLine{Raw: bytes.TrimSuffix(line, []byte{'\n'})}
	if out.Item, err = r.decoder.items.Decode(out.Raw); err != nil {
		out.Item, out.Refused = debt.Item{}, refusal(err)
	}
	return out, nil
}

// whyLine is the reason of lines and elements that are too long; those of JSON that cannot be read are named as strictjson names them.
const whyLine debt.Reason = "debt_line_long"

func whyJSON(r strictjson.Reason) debt.Reason { return "debt_json_" + debt.Reason(r) }

// Reasons lists the reasons of refusals that lines alone have.
func Reasons() []debt.Reason {
	out := []debt.Reason{whyLine}
	for _, r := range []strictjson.Reason{
		strictjson.Syntax, strictjson.Encoding, strictjson.Trailing, strictjson.Unknown, strictjson.Duplicate, strictjson.Missing,
		strictjson.WrongType, strictjson.OutOfRange, strictjson.TooDeep, strictjson.TooLong, strictjson.InvalidValue,
	} {
		out = append(out, whyJSON(r))
	}
	return out
}

// tooLong refuses what does not fit.
func tooLong(what string) *debt.RefusalError {
	return &debt.RefusalError{
		Code: "json_" + string(strictjson.TooLong), Reason: whyLine, Facts: debt.Facts{Most: LineMax},
		Detail: "the " + what + " has more than " + strconv.Itoa(LineMax) + " bytes",
	}
}

// passOver leaves out a line that does not fit. Its beginning stands for it in the digest.
func (r *Reader) passOver(start []byte) (payment.FeedLine, error) {
	out := payment.FeedLine{
		Raw:     bytes.Clone(start),
		Refused: tooLong("line"),
	}
	for {
		_, err := r.from.ReadSlice('\n')
		switch {
		case err == nil || errors.Is(err, io.EOF):
			return out, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return payment.FeedLine{}, fmt.Errorf("%w: %w", ErrCut, err)
		}
	}
}

// refusal says what is wrong with a line, in the names of the contract.
func refusal(err error) *debt.RefusalError {
	e, ok := errors.AsType[*strictjson.Error](err)
	if !ok {
		return &debt.RefusalError{Code: debt.CodeInvalid, Reason: debt.WhyUnread, Detail: "cannot be read"}
	}
	detail := "byte " + strconv.Itoa(e.Offset)
	if e.Want != "" {
		detail += ", want " + e.Want
	}
	return &debt.RefusalError{
		Code: "json_" + string(e.Reason), Field: strings.ReplaceAll(strings.TrimPrefix(e.Pointer, "/"), "/", "."), Detail: detail,
		Reason: whyJSON(e.Reason), Facts: debt.Facts{Most: e.Limit, Byte: e.Offset, Want: e.Want},
	}
}
