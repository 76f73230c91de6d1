package api

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/url"
	"slices"
)

// formPartsMax bounds the parts of a form; ours have six.
const formPartsMax = 8

// readForm takes a multipart form apart. Each name may come once, names that are not expected are refused, and a file
// field in which nothing was chosen (no name, no bytes) is as if absent.
func readForm(r *request, names ...string) (map[string][]byte, error) {
	form, _, err := readFiles(r, names...)
	return form, err
}

// readFiles is readForm for those who want to know what the sender calls the files, by the names of their fields.
func readFiles(r *request, names ...string) (form map[string][]byte, called map[string]string, err error) {
	form, called = make(map[string][]byte, len(names)), map[string]string{}
	err = eachPart(r, formPartsMax, func(name, file string, content []byte) error {
		if _, twice := form[name]; twice || !slices.Contains(names, name) {
			return refuse(codeForm).of(clip(name))
		}
		if len(content) == 0 && file == "" {
			return nil
		}
		form[name] = content
		if file != "" {
			called[name] = file
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return form, called, nil
}

// eachPart reads a multipart form of at most most parts. An empty file field, in which nothing was chosen, comes with file = "" and no
// content; an empty file has a name.
func eachPart(r *request, most int, take func(name, file string, content []byte) error) error {
	boundary := r.media.params["boundary"]
	if boundary == "" || len(boundary) > 70 {
		return refuse(codeForm).explain("boundary")
	}
	parts := multipart.NewReader(bytes.NewReader(r.body), boundary)
	for i := range most + 1 {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) && i > 0 {
			return nil
		}
		if err != nil {
			return refuse(codeForm).because(err)
		}
		if i == most {
			break
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return refuse(codeForm).because(err)
		}
		if err := take(part.FormName(), part.FileName(), content); err != nil {
			return err
		}
	}
	return refuse(codeForm).explain("too many parts")
}

// unchosen tells an empty file field, which browsers send with filename="", from an empty file, which has a name.
func unchosen(p *multipart.Part) bool { return p.FileName() == "" }

// fieldMax bounds a field of a plain form in bytes: two hundred letters of a name, and some to spare.
const fieldMax = 1024

// fieldsMax bounds the fields of a plain form: an order pays at most fifty debts.
const fieldsMax = 64

// readFields takes a plain form apart. Names that are not expected are refused, and only "debt" may come several times.
func readFields(r *request, names ...string) (url.Values, error) {
	return readRepeated(r, "debt", names...)
}

// readRepeated is readFields for a form in which another name may come several times.
func readRepeated(r *request, repeated string, names ...string) (url.Values, error) {
	form, err := url.ParseQuery(string(r.body))
	if err != nil || bytes.Count(r.body, []byte{'&'}) >= fieldsMax {
		return nil, refuse(codeForm).because(err)
	}
	for name, values := range form {
		if !slices.Contains(names, name) || (len(values) > 1 && name != repeated) {
			return nil, refuse(codeForm).of(clip(name))
		}
		for _, v := range values {
			if len(v) > fieldMax || !text(v) {
				return nil, refuse(codeForm).of(clip(name))
			}
		}
	}
	return form, nil
}
