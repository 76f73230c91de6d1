package pdf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// filtersMax bounds the chain of filters of one stream: each may multiply.
const filtersMax = 8

// ErrFilter says that a stream uses a filter that is not supported, or breaks its rules.
var ErrFilter = errors.New("a stream cannot be decoded")

// decode applies decryption and filters. resolve follows references in the stream's dictionary; nil leaves them.
func (f *File) decode(s *Stream, resolve func(Object) Object) ([]byte, error) {
	if resolve == nil {
		resolve = func(o Object) Object { return o }
	}
	octets, err := f.crypt.stream(s)
	if err != nil {
		return nil, err
	}
	filters, params := listed(resolve(s.Dict.Get("Filter"))), listed(resolve(s.Dict.Get("DecodeParms")))
	if len(filters) > filtersMax {
		return nil, fmt.Errorf("%w: too many filters", ErrFilter)
	}
	for i, o := range filters {
		name, _ := resolve(o).(Name)
		var param *Dict
		if i < len(params) {
			param, _ = resolve(params[i]).(*Dict)
		}
		if octets, err = f.budget.filter(name, octets, param); err != nil {
			return nil, err
		}
	}
	return octets, nil
}

// listed is an array, or a lone value as one.
func listed(o Object) Array {
	switch x := o.(type) {
	case nil:
		return nil
	case Array:
		return x
	}
	return Array{o}
}

func (b *budget) filter(name Name, in []byte, param *Dict) ([]byte, error) {
	var out []byte
	var err error
	switch name {
	case "FlateDecode", "Fl":
		out, err = b.flate(in)
	case "ASCIIHexDecode", "AHx":
		out, err = asciiHex(in)
	case "ASCII85Decode", "A85":
		out, err = ascii85(in)
	case "RunLengthDecode", "RL":
		out, err = b.runLength(in)
	case "Crypt":
		return in, nil // the identity; other crypt filters are refused with the encryption dictionary
	default:
		return nil, fmt.Errorf("%w: filter %q", ErrFilter, clip(string(name)))
	}
	if err != nil {
		return nil, err
	}
	if param != nil && (name == "FlateDecode" || name == "Fl") {
		return unpredict(out, param)
	}
	return out, nil
}

// flate inflates within what is left of the file's budget: a stream of 64 kB may stand for 64 MB.
func (b *budget) flate(in []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(in))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFilter, err)
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, int64(max(b.decoded, 0))+1))
	if b.decoded -= int(n); b.decoded < 0 {
		b.spent = true
		return nil, fmt.Errorf("%w: streams are larger than allowed when decoded", ErrLimit)
	}
	// A stream without its checksum or end is taken as far as it goes, as all readers do; what is missing is missed later.
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, zlib.ErrChecksum) {
		return nil, fmt.Errorf("%w: %w", ErrFilter, err)
	}
	return out.Bytes(), nil
}

func asciiHex(in []byte) ([]byte, error) {
	s := scanner{data: append(append([]byte{'<'}, in...), '>')}
	out, ok := s.hexString()
	if !ok {
		return nil, fmt.Errorf("%w: ASCIIHexDecode", ErrFilter)
	}
	return out.Value, nil
}

func ascii85(in []byte) ([]byte, error) {
	if end := bytes.Index(in, []byte("~>")); end >= 0 {
		in = in[:end]
	}
	var out []byte
	var group uint64
	n := 0
	for _, c := range in {
		switch {
		case isSpace(c):
		case c == 'z' && n == 0:
			out = append(out, 0, 0, 0, 0)
		case c < '!' || c > 'u':
			return nil, fmt.Errorf("%w: ASCII85Decode", ErrFilter)
		default:
			group = group*85 + uint64(c-'!')
			if n++; n == 5 {
				out = appendGroup(out, group, 4)
				group, n = 0, 0
			}
		}
	}
	if n > 1 {
		for range 5 - n {
			group = group*85 + 84
		}
		out = appendGroup(out, group, n-1)
	}
	return out, nil
}

func appendGroup(to []byte, group uint64, n int) []byte {
	b := [4]byte{byte(group >> 24), byte(group >> 16), byte(group >> 8), byte(group)} //nolint:gosec // the low 32 bits
	return append(to, b[:n]...)
}

func (b *budget) runLength(in []byte) ([]byte, error) {
	var out []byte
	for i := 0; i < len(in) && in[i] != 128; {
		n := int(in[i])
		i++
		switch {
		case n < 128 && i+n+1 <= len(in):
			out = append(out, in[i:i+n+1]...)
			i += n + 1
		case n > 128 && i < len(in):
			out = append(out, bytes.Repeat(in[i:i+1], 257-n)...)
			i++
		default:
			return nil, fmt.Errorf("%w: RunLengthDecode", ErrFilter)
		}
	}
	if b.decoded -= len(out); b.decoded < 0 {
		b.spent = true
		return nil, fmt.Errorf("%w: streams are larger than allowed when decoded", ErrLimit)
	}
	return out, nil
}

// unpredict undoes the PNG predictors (ISO 32000-1 7.4.4.4); that of TIFF occurs in images only.
func unpredict(in []byte, param *Dict) ([]byte, error) {
	predictor, ok := param.Get("Predictor").(int64)
	if !ok || predictor == 1 {
		return in, nil
	}
	columns, colors, bits := parameter(param, "Columns", 1), parameter(param, "Colors", 1), parameter(param, "BitsPerComponent", 8)
	if predictor < 10 || predictor > 15 || columns < 1 || columns > 1<<16 || colors < 1 || colors > 32 || bits < 1 || bits > 16 {
		return nil, fmt.Errorf("%w: predictor %d", ErrFilter, predictor)
	}
	width, unit := (columns*colors*bits+7)/8, max(1, colors*bits/8)
	out := make([]byte, 0, len(in))
	above := make([]byte, width)
	for len(in) > 1 {
		kind := in[0]
		row := bytes.Clone(in[1:min(len(in), width+1)])
		in = in[min(len(in), width+1):]
		if err := unfilter(kind, row, above, unit); err != nil {
			return nil, err
		}
		out = append(out, row...)
		above = append(above[:0], row...)
		above = append(above, make([]byte, width-len(row))...)
	}
	return out, nil
}

func parameter(d *Dict, key Name, otherwise int) int {
	if n, ok := d.Get(key).(int64); ok && n >= 0 && n < 1<<30 {
		return int(n)
	}
	return otherwise
}

func unfilter(kind byte, row, above []byte, unit int) error {
	for i := range row {
		var left, corner byte
		if i >= unit {
			left, corner = row[i-unit], above[i-unit]
		}
		switch kind {
		case 0:
		case 1:
			row[i] += left
		case 2:
			row[i] += above[i]
		case 3:
			row[i] += byte((int(left) + int(above[i])) / 2) //nolint:gosec // a mean of octets is an octet
		case 4:
			row[i] += paeth(left, above[i], corner)
		default:
			return fmt.Errorf("%w: row filter %d", ErrFilter, kind)
		}
	}
	return nil
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// clip shortens what a document names at length.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
