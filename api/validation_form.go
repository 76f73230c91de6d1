package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"

	"qaqpa/signer"
)

// formFieldBytesMax bounds a part of a validation's form that is no file.
const formFieldBytesMax = 64 << 10

// originalsMax bounds the originals of a form.
const originalsMax = 1024

// validationForm reads a form with the parts document, detached, policy_document and those of documentArgs, in any order, and
// with any number of parts original, whose file names are the names of the originals; but
// an original that does not fit into memory has to come after the document, which tells what to hash it with.
func (s *Server) validationForm(r *request) (req signer.ValidateRequest, err error) {
	boundary := r.media.params["boundary"]
	if boundary == "" || len(boundary) > 70 {
		return req, refuse(codeForm).explain("boundary")
	}
	f := formReader{s: s, from: r.stream, left: s.cfg.Limits.DocumentBytes, seen: map[string]bool{}}
	parts := multipart.NewReader(r.stream, boundary)
	for i := range formPartsMax + originalsMax {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) && i > 0 {
			return f.req, nil
		}
		if err == nil {
			err = f.take(part)
		}
		if err != nil {
			return req, formError(err)
		}
	}
	return req, refuse(codeForm).explain("too many parts")
}

// formError keeps what the gates and the domain say of a form, and calls everything else unreadable.
func formError(err error) error {
	var own *refusal
	if errors.As(err, &own) || errors.Is(err, signer.ErrTooLarge) {
		return err
	}
	return refuse(codeForm).because(err)
}

// formReader gathers the parts of a form.
type formReader struct {
	s    *Server
	from *stream
	left int // octets that may still be held
	seen map[string]bool
	req  signer.ValidateRequest
}

func (f *formReader) take(part *multipart.Part) error {
	name := part.FormName()
	if name == partOriginal {
		return f.named(part)
	}
	if f.seen[name] {
		return refuse(codeForm).of(clip(name))
	}
	f.seen[name] = true
	switch name {
	case "document":
		b, err := f.hold(part)
		f.req.Document = b
		return err
	case "detached":
		return f.original(part)
	case "policy_document":
		b, err := f.hold(part)
		f.req.PolicyDocument = b
		return err
	case argPolicy, argAt, argDigest:
		b, err := io.ReadAll(io.LimitReader(part, formFieldBytesMax+1))
		if err != nil || len(b) == 0 {
			return err
		}
		return applyArg(&f.req, name, string(b))
	}
	return refuse(codeForm).of(clip(name))
}

// partOriginal is a part that may come many times.
const partOriginal = "original"

// named takes one of several originals. Its name is the file name as it was sent: of a path, which references name as well, the
// usual reading would keep the end alone.
func (f *formReader) named(part *multipart.Part) error {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name := params["filename"]
	if err != nil || name == "" || f.seen[partOriginal+" "+name] || len(f.req.Originals) == originalsMax {
		return refuse(codeForm).of(partOriginal + " " + clip(name)).because(err)
	}
	f.seen[partOriginal+" "+name] = true
	b, err := f.hold(part)
	if b == nil {
		b = []byte{}
	}
	f.req.Originals = append(f.req.Originals, signer.NamedOriginal{Name: name, Octets: b})
	return err
}

// hold reads a part into memory.
func (f *formReader) hold(part *multipart.Part) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(part, int64(f.left)+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > f.left:
		return nil, refuse(codeBodyTooLarge)
	case len(b) == 0 && unchosen(part):
		return nil, nil
	}
	f.left -= len(b)
	return b, nil
}

// original takes what a detached signature is over: hashed while it comes, where the document is known and its signatures need
// digests alone; held otherwise.
func (f *formReader) original(part *multipart.Part) error {
	if len(f.req.Document) == 0 || !signer.InPassing(f.req.Document) {
		b, err := f.hold(part)
		if p := (*refusal)(nil); errors.As(err, &p) && p.code == codeBodyTooLarge && len(f.req.Document) == 0 {
			p.developer = "a large original comes after the document"
		}
		f.req.Detached = b
		return err
	}
	f.from.keep(f.s.cfg.Limits.DocumentBytes - f.left + formFieldBytesMax)
	counted := &countingReader{from: part}
	o, err := f.s.cfg.Signer.ReadOriginal(f.req.Document, counted)
	if err != nil || counted.read == 0 && unchosen(part) {
		return err
	}
	f.req.Original = &o
	return nil
}

// countingReader counts what was read.
type countingReader struct {
	from io.Reader
	read int64
}

// Read implements io.Reader.
func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.read += int64(n)
	return n, err
}

// afterReading is a context for the work on a request whose body took its own time to come.
func (s *Server) afterReading(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Limits.Request)
	stop := context.AfterFunc(s.base, cancel)
	return ctx, func() { stop(); cancel() }
}
