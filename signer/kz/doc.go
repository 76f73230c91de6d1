// Package kz knows the certificate profile of Kazakhstan: whom a certificate speaks of, what it authorises, and the
// numbers by which persons and organisations are known.
//
// The profile is data (roles.go): roles, policies and storages by OID, with names in three languages, after the register of
// the root authority (root.gov.kz/oid). Orders №1187 (2015), №500/НҚ and №522/НҚ (2026) name what the parts mean.
//
// All functions are pure and safe for concurrent use.
package kz
