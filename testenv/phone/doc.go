// Package phone is a stand-in of an SMS gateway together with the phones behind it: it takes messages over HTTP and shows what a person
// would read.
package phone
