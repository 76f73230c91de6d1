package pades

import (
	"errors"
	"fmt"
	"slices"

	"qaqpa/signer/pdf"
)

// Attachment is a file inside a document (ISO 32000-2 7.11.4).
type Attachment struct {
	// Name is that of the file, MIMEType its type, Description what readers say of it.
	Name, MIMEType, Description string
	Content                     []byte
}

// ErrAttachments means that the document has attachments in a tree to which none is added, too many, or one of the same name.
var ErrAttachments = errors.New("the attachments of the document cannot be added to")

// Bounds of attachments that are read.
const (
	attachmentsMax     = 16
	attachmentBytesMax = 4 << 20
)

// attach lists files in the catalog: as embedded files, which every reader shows, and as files that belong to the document (AF).
func (w *writer) attach(catalog *pdf.Dict) (*pdf.Dict, error) {
	if len(w.in.Attachments) == 0 {
		return catalog, nil
	}
	names := w.view.Dict(catalog.Get("Names"))
	files := w.view.Dict(names.Get("EmbeddedFiles"))
	tree, associated := slices.Clone(w.view.Array(files.Get("Names"))), slices.Clone(w.view.Array(catalog.Get("AF")))
	if files.Has("Kids") || len(tree)/2+len(w.in.Attachments) > attachmentsMax {
		return nil, ErrAttachments
	}
	for _, a := range w.in.Attachments {
		for i := 0; i < len(tree); i += 2 {
			if s := w.view.String(tree[i]); s == nil || text(s.Value) == a.Name {
				return nil, fmt.Errorf("%w: %.80q", ErrAttachments, a.Name)
			}
		}
		stream := w.u.Add(pdf.NewStream(pdf.NewDict(map[pdf.Name]pdf.Object{
			"Type": pdf.Name("EmbeddedFile"), "Subtype": pdf.Name(a.MIMEType),
			"Params": pdf.NewDict(map[pdf.Name]pdf.Object{"Size": int64(len(a.Content))}),
		}), a.Content))
		file := w.u.Add(pdf.NewDict(map[pdf.Name]pdf.Object{
			"Type": pdf.Name("Filespec"), "F": encodeText(a.Name), "UF": encodeText(a.Name), "Desc": encodeText(a.Description),
			"AFRelationship": pdf.Name("Data"), "EF": pdf.NewDict(map[pdf.Name]pdf.Object{"F": stream, "UF": stream}),
		}))
		tree, associated = append(tree, encodeText(a.Name), file), append(associated, file)
	}
	added := w.u.Add(pdf.NewDict(map[pdf.Name]pdf.Object{"Names": tree}))
	return catalog.With("Names", names.With("EmbeddedFiles", added)).With("AF", associated), nil
}

// Attachments are the files in the newest revision of a document, as Prepare lists them: what a signature that covers the whole document signs. Files in
// trees of several levels are left out. Errors: those of pdf.Open, pdf.ErrLimit.
func Attachments(data []byte) ([]Attachment, error) {
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		return nil, fmt.Errorf("couldn't read the attachments: %w", err)
	}
	v := f.Last()
	catalog := v.Dict(v.Trailer().Get("Root"))
	tree := v.Array(v.Dict(v.Dict(catalog.Get("Names")).Get("EmbeddedFiles")).Get("Names"))
	if len(tree) > 2*attachmentsMax {
		return nil, fmt.Errorf("couldn't read the attachments: %w: %d of at most %d", pdf.ErrLimit, len(tree)/2, attachmentsMax)
	}
	var out []Attachment
	for i := 0; i+1 < len(tree); i += 2 {
		file := v.Dict(tree[i+1])
		stream := v.Stream(v.Dict(file.Get("EF")).Get("F"))
		if stream == nil {
			continue
		}
		content, err := v.Decoded(stream)
		if err != nil {
			return nil, fmt.Errorf("couldn't read the attachments: %w", err)
		}
		if len(content) > attachmentBytesMax {
			return nil, fmt.Errorf("couldn't read the attachments: %w: a file of %d octets", pdf.ErrLimit, len(content))
		}
		a := Attachment{MIMEType: string(v.Name(stream.Dict.Get("Subtype"))), Content: content}
		if s := v.String(file.Get("UF")); s != nil {
			a.Name = text(s.Value)
		}
		out = append(out, a)
	}
	return out, nil
}
