package feedcsv

import (
	"errors"
	"io"
	"strings"
	"testing"

	"qaqpa/payment"
)

func service(code string) (string, bool) { return "svc_" + code, code != "nothing" }

func all(tb testing.TB, table string) []payment.FeedLine {
	tb.Helper()
	r, err := Read([]byte(table), service)
	if err != nil {
		tb.Fatal(err)
	}
	var out []payment.FeedLine
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, line)
	}
}

func TestTables(t *testing.T) {
	for name, table := range map[string]string{
		"commas":     "\xef\xbb\xbfreference,payer,service,amount,purpose\r\nAD-1,850101300019,fine,\"5 406,50\",\"Айыппұл, №1\"\r\n",
		"semicolons": "Reference; payer;amount;service;purpose\nAD-1;850101300019;5406.50;fine;Айыппұл, №1",
		"tabs":       "reference\tpayer\tamount\tservice\tpurpose\nAD-1\t850101300019\t5406,50\tfine\tАйыппұл, №1\n",
	} {
		got := all(t, table)
		if len(got) != 1 || got[0].Refused != nil {
			t.Fatalf("%s: %+v", name, got)
		}
		if i := got[0].Item; i.Reference != "AD-1" || i.Payer.ID != "850101300019" || i.Service != "svc_fine" || i.Tiyn == nil || *i.Tiyn != 540650 || i.Purpose != "Айыппұл, №1" {
			t.Errorf("%s: %+v", name, i)
		}
	}
	short := all(t, "reference,payer,service,amount\nAD-1,850101300019\n\nAD-2,850101300019,,\n")
	if len(short) != 2 || short[0].Item.Tiyn != nil || short[0].Item.Service != "" || short[1].Refused != nil {
		t.Errorf("%+v", short)
	}
}

// Each bad row is told, and the good ones beside it are read.
func TestBadRows(t *testing.T) {
	const head = "reference,payer,service,amount\n"
	for name, row := range map[string]string{
		"amount": "A,1,fine,much\n", "negative": "A,1,fine,-5\n", "zero": "A,1,fine,0\n", "service": "A,1,nothing,5\n", "cells": "A,1,fine,5,6\n",
		"quote": "A,1\"2,fine,5\n", "long": "A," + strings.Repeat("1", cellMax+1) + ",fine,5\n",
	} {
		got := all(t, head+row+"B,850101300019,fine,5\n")
		if len(got) != 2 || got[0].Refused == nil || got[1].Refused != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, table := range map[string]string{
		"empty": "", "no payer": "reference,amount\n", "unknown": "reference,payer,x\n", "twice": "reference,payer,payer\n", "no head": "AD-1,850101300019\n", "quote": "\"reference\n",
	} {
		if _, err := Read([]byte(table), service); !errors.Is(err, ErrHead) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("reference,payer,amount\nA,1,5\n"))
	f.Add([]byte("reference;payer\n\"a\n;\";"))
	f.Fuzz(func(t *testing.T, table []byte) {
		r, err := Read(table, service)
		if err != nil {
			return
		}
		for n := 0; ; n++ {
			line, err := r.Next()
			if err != nil {
				return
			}
			if n > len(table) {
				t.Fatal("more rows than bytes")
			}
			if line.Refused == nil && line.Item.Tiyn != nil && *line.Item.Tiyn <= 0 {
				t.Errorf("an amount of %d", *line.Item.Tiyn)
			}
		}
	})
}
