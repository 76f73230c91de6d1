package gost

import "golang.org/x/sys/cpu"

// hasADX says that the processor has MULX, ADCX and ADOX (Intel since 2014, AMD since 2017).
var hasADX = cpu.X86.HasBMI2 && cpu.X86.HasADX

//go:noescape
func mulPM4ADX(z, x, y *[4]uint64, c uint64)

//go:noescape
func sqrPM4ADX(z, x *[4]uint64, c uint64)

//go:noescape
func mulPM8ADX(z, x, y *[8]uint64, c uint64)

//go:noescape
func sqrPM8ADX(z, x *[8]uint64, c uint64)

//go:noescape
func mulMont4ADX(z, x, y, p *[4]uint64, n0 uint64)

//go:noescape
func mulMont8ADX(z, x, y, p *[8]uint64, n0 uint64)
