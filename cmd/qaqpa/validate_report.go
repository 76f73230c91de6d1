package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"qaqpa/signer"
	"qaqpa/signer/report"
	"qaqpa/signer/report/paper"
)

// checkReport refuses what could not be written, before anything is judged.
func (c *validateCmd) checkReport() error {
	if c.Report == "" {
		return nil
	}
	if len(c.Files) != 1 {
		return errors.New("--report goes with one document")
	}
	switch strings.ToLower(filepath.Ext(c.Report)) {
	case ".pdf", ".html":
		return checkNew(c.Report)
	}
	return errors.New("--report needs a name that ends in .pdf or .html")
}

// writeReport draws the verdict for people, in the language of the reasons.
func (c *validateCmd) writeReport(v signer.Verdict) error {
	if c.Report == "" {
		return nil
	}
	draw := paper.HTML
	if strings.EqualFold(filepath.Ext(c.Report), ".pdf") {
		draw = paper.PDF
	}
	body, err := draw(v, report.Lang(c.Language))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(c.Report, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("couldn't write the report: %w", err)
	}
	_, err = file.Write(body)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("couldn't write the report: %w", err)
	}
	return nil
}
