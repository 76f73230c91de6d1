// Package processor reads what the process of a test and those that it started have used of the processors. Beside other work on the same
// cores, it says more than a rate by the clock does. Linux alone (/proc); elsewhere there are no children to be found.
package processor
