package payment

import (
	"context"
	"errors"

	"qaqpa/payment/receipt"
)

// pages verifies the stored pages of receipts in further languages: each is what was made then, has its seal, and is of a receipt that stands here. The seals themselves are judged
// by 'receipt verify', as those of receipts are.
func (w *walk) pages(ctx context.Context, bucket int) error {
	for id, lang := "", ""; ; {
		var rows []storedPage
		const page = 50 // they are large
		if err := all(ctx, w.tx, &rows, `SELECT p.receipt_id, p.language, p.pdf, p.pdf_seal, p.pdf_sha256, coalesce(r.core, '') AS core
			FROM receipt_pages p LEFT JOIN receipts r ON r.bucket = p.bucket AND r.id = p.receipt_id
			WHERE p.bucket = $1 AND (p.receipt_id, p.language) > ($2, $3) ORDER BY p.receipt_id, p.language LIMIT $4`, bucket, id, lang, page); err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			err := w.openPage(ctx, r)
			if errors.Is(err, ErrSealed) {
				return err
			}
			if err == nil {
				err = r.holds()
			}
			if err != nil {
				w.report.problem("receipt %s: its page in %s: %v", r.Receipt, r.Language, err)
			}
			w.report.Pages++
		}
		if len(rows) < page {
			return nil
		}
		id, lang = rows[len(rows)-1].Receipt, string(rows[len(rows)-1].Language)
	}
}

// storedPage is a page with the receipt that it tells of.
type storedPage struct {
	Receipt  string           `db:"receipt_id"`
	Language receipt.Language `db:"language"`
	PDF      []byte           `db:"pdf"`
	Seal     []byte           `db:"pdf_seal"`
	Digest   string           `db:"pdf_sha256"`
	Core     []byte           `db:"core"`
}

func (w *walk) openPage(ctx context.Context, r *storedPage) (err error) {
	if r.PDF, err = w.private.open(ctx, r.PDF, placeOfPage("pdf", r.Receipt, r.Language)); err != nil {
		return err
	}
	if r.Seal, err = w.private.open(ctx, r.Seal, placeOfPage("pdf_seal", r.Receipt, r.Language)); err != nil {
		return err
	}
	r.Core, err = w.private.open(ctx, r.Core, place("receipts", "core", r.Receipt))
	return err
}

var (
	errPageDigest = errors.New("it is not what was made")
	errPageSeal   = errors.New("it has no seal")
	errPageOther  = errors.New("it is of another receipt")
)

// holds compares a page with its digest and with its receipt, whose code it bears. It is not drawn anew: a later program may draw otherwise.
func (r *storedPage) holds() error {
	if digestOfPage(r.PDF) != r.Digest {
		return errPageDigest
	}
	if len(r.Seal) == 0 {
		return errPageSeal
	}
	core, err := receipt.Decode(r.Core)
	if err != nil {
		return err
	}
	if code, found := receipt.CodeOfPDF(r.PDF); core.ID != r.Receipt || !found || code != core.Code {
		return errPageOther
	}
	return nil
}
