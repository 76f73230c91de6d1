// Package ncalayer stands in for NCALayer, the national signing program that runs on the citizen's own machine: a
// WebSocket server on loopback that greets with its version and answers the modules kz.gov.pki.knca.basics and
// kz.gov.pki.knca.commonUtils as the real one does.
//
// The real program asks a person for key and password; here a function signs. Faults are set by [Layer.Behave]. The
// certificate is made anew at each start and nobody trusts it: browsers have to be told not to mind.
package ncalayer
