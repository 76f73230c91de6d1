// Package language holds the texts of the HTTP side in Kazakh, Russian and English, and chooses among them.
//
// The catalogues are the JSON files beside it: problem.*.json for refusals, verify.*.json for the page. A test keeps the
// three equal in their messages and their placeholders, so that Kazakh is never behind Russian (R13).
package language
