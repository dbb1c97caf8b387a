// Package deflate is permessage-deflate (https://www.rfc-editor.org/rfc/rfc7692) without
// anything around it: what is negotiated ([Params]), decompression in pieces of any size
// ([Inflater]), and the windows that messages refer back to ([Window]). It is pure, as
// package core is: no input or output, no clock, no goroutine, no memory that nobody
// lent it.
//
// It does not compress. A [Compressor] does, of which package compress has one, and a
// [Lender] lends what messages need while they are under way, so that a connection
// holds nothing but its windows between them. Package core has both sides of it; use
// this package alone to read or write compressed messages elsewhere.
package deflate
