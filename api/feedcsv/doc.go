// Package feedcsv reads debts out of a table as people keep it: comma, semicolon or tab between the columns, the names of the columns in
// the first row, sums in tenge. What a row states is a [payment.FeedLine], so that a table and a stream of a program have the same effect.
package feedcsv
