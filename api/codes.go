package api

import (
	"net/http"

	"qaqpa/api/strictjson"
	"qaqpa/payment"
)

// code names a problem. Clients branch on it; its texts stand in the catalogue of package language.
type code string

// The codes of this package. Those of the domain are payment.Codes.
const (
	codeHTTPMalformed  code = "http_malformed"
	codeHeadersTooLong code = "headers_too_large"
	codeTimeout        code = "request_timeout"
	codeRouteUnknown   code = "route_unknown"
	codeMethod         code = "method_not_allowed"
	codeUnauthorised   code = "key_required"
	codeKeyInvalid     code = "key_invalid"
	codeScope          code = "scope_missing"
	codeSigned         code = "request_signature_unusable"
	codeReplayed       code = "request_replayed"
	codeDigest         code = "content_digest_differs"
	codeNotOwn         code = "not_found"
	codeQuery          code = "query_invalid"
	codeNotAcceptable  code = "not_acceptable"
	codeMediaType      code = "media_type_unsupported"
	codeTooMany        code = "too_many_requests"
	codeBodyTooLarge   code = "body_too_large"
	codeBodyEmpty      code = "body_missing"
	codeBodyUnexpected code = "body_not_expected"
	codeBodyCut        code = "body_incomplete"
	codeForm           code = "form_invalid"
	codeIdemMissing    code = "idempotency_key_missing"
	codeIdemInvalid    code = "idempotency_key_invalid"
	codeBankOfOther    code = "bank_of_another"
	codeAgencyOnly     code = "agency_only"
	codeDocument       code = "document_unusable"
	codeSealDenied     code = "seal_not_allowed"
	codeSealRate       code = "seal_rate_exceeded"
	codeSealKey        code = "seal_key_unusable"
	codeUnsealable     code = "document_unsealable"
	codeNoTimeStamp    code = "time_stamp_unavailable"
	codeNoEvidence     code = "evidence_unavailable"
	codeNotRaisable    code = "signature_not_raisable"
	codeRaised         code = "signature_level_reached"
	codeInternal       code = "internal"
	codeUnavailable    code = "unavailable"
	codeBusy           code = "busy"

	// Of pages.
	codeForeignForm      code = "form_of_another_site"
	codeSignatureMissing code = "signature_missing"
	codeChallenge        code = "sign_in_expired"
	codeChallengeOther   code = "sign_in_other_text"
	codeSignInRefused    code = "sign_in_refused"
	codeNoPerson         code = "sign_in_no_person"
	codeNoAuthority      code = "no_payer"
	codeNothingChosen    code = "nothing_chosen"
	codeReason           code = "reason_missing"
	codeRole             code = "role_missing"
	codeFourEyes         code = "four_eyes"
	codeRequestOver      code = "request_over"
	codeSignInWrong      code = "sign_in_wrong"
	codeInvitation       code = "invitation_over"
	codePasswordWeak     code = "password_weak"
	codePasswordsDiffer  code = "passwords_differ"
	codePasskey          code = "passkey_refused"
	codeQROver           code = "qr_over"
	codeTable            code = "table_unreadable"
	codeNoteStale        code = "note_stale"
	codeAmount           code = "amount_unreadable"
)

// jsonCode makes the code of a body that is not the JSON of the contract.
func jsonCode(r strictjson.Reason) code { return code("json_" + r) }

// statuses gives every code that can leave the gateway its HTTP status: one table, tested against openapi.yaml and
// against the catalogues of texts.
func statuses() map[code]int {
	table := map[code]int{
		codeHTTPMalformed: http.StatusBadRequest, codeHeadersTooLong: http.StatusRequestHeaderFieldsTooLarge,
		codeTimeout: http.StatusRequestTimeout, codeRouteUnknown: http.StatusNotFound, codeMethod: http.StatusMethodNotAllowed,
		codeUnauthorised: http.StatusUnauthorized, codeKeyInvalid: http.StatusUnauthorized, codeScope: http.StatusForbidden,
		codeSigned: http.StatusUnauthorized, codeReplayed: http.StatusUnauthorized, codeDigest: http.StatusBadRequest,
		codeNotOwn: http.StatusNotFound, codeQuery: http.StatusBadRequest, codeNotAcceptable: http.StatusNotAcceptable,
		codeMediaType: http.StatusUnsupportedMediaType, codeTooMany: http.StatusTooManyRequests,
		codeBodyTooLarge: http.StatusRequestEntityTooLarge, codeBodyEmpty: http.StatusBadRequest,
		codeBodyUnexpected: http.StatusBadRequest, codeBodyCut: http.StatusBadRequest, codeForm: http.StatusBadRequest,
		codeIdemMissing: http.StatusBadRequest, codeIdemInvalid: http.StatusBadRequest, codeBankOfOther: http.StatusForbidden,
		codeAgencyOnly: http.StatusForbidden, codeDocument: http.StatusUnprocessableEntity,
		codeSealDenied: http.StatusForbidden, codeSealRate: http.StatusTooManyRequests, codeSealKey: http.StatusServiceUnavailable,
		codeUnsealable: http.StatusUnprocessableEntity, codeNoTimeStamp: http.StatusServiceUnavailable,
		codeNoEvidence: http.StatusServiceUnavailable, codeNotRaisable: http.StatusUnprocessableEntity, codeRaised: http.StatusConflict,
		codeInternal: http.StatusInternalServerError, codeUnavailable: http.StatusServiceUnavailable,
		codeBusy:             http.StatusServiceUnavailable,
		codeForeignForm:      http.StatusForbidden,
		codeSignatureMissing: http.StatusBadRequest,
		codeChallenge:        http.StatusConflict,
		codeChallengeOther:   http.StatusUnprocessableEntity,
		codeSignInRefused:    http.StatusUnprocessableEntity,
		codeNoPerson:         http.StatusUnprocessableEntity,
		codeNoAuthority:      http.StatusForbidden,
		codeNothingChosen:    http.StatusUnprocessableEntity,
		codeReason:           http.StatusUnprocessableEntity,
		codeRole:             http.StatusForbidden,
		codeFourEyes:         http.StatusForbidden,
		codeRequestOver:      http.StatusConflict,
		codeNoteStale:        http.StatusConflict,
		codeSignInWrong:      http.StatusUnprocessableEntity,
		codeInvitation:       http.StatusConflict,
		codePasswordWeak:     http.StatusUnprocessableEntity,
		codePasswordsDiffer:  http.StatusUnprocessableEntity,
		codePasskey:          http.StatusUnprocessableEntity,
		codeTable:            http.StatusUnprocessableEntity,
		codeAmount:           http.StatusUnprocessableEntity,
		codeQROver:           http.StatusForbidden, // by which eGov Mobile knows a refusal
	}
	for _, r := range []strictjson.Reason{
		strictjson.Syntax, strictjson.Encoding, strictjson.Trailing, strictjson.Unknown, strictjson.Duplicate, strictjson.Missing,
		strictjson.WrongType, strictjson.OutOfRange, strictjson.TooDeep, strictjson.TooLong, strictjson.InvalidValue,
	} {
		table[jsonCode(r)] = http.StatusBadRequest
	}
	for c, kind := range payment.Codes() {
		if _, ours := table[code(c)]; !ours {
			table[code(c)] = statusOfKind(kind)
		}
	}
	return table
}

// statusOfKind: a body that could not be read is 400; one that was read and breaks a rule of the domain is 422.
func statusOfKind(kind payment.Kind) int {
	switch kind {
	case payment.KindInvalid, payment.KindUnprocessable:
		return http.StatusUnprocessableEntity
	case payment.KindNotFound:
		return http.StatusNotFound
	case payment.KindConflict:
		return http.StatusConflict
	case payment.KindForbidden:
		return http.StatusForbidden
	case payment.KindUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
