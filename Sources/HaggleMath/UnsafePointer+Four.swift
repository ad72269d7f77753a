// Four numbers at a time, from wherever they stand. The compiler does not do it by itself where it must check that indices do not overflow; an
// element's arithmetic and so its bits are those of a plain loop.

extension UnsafePointer<Double> {
    /// The numbers at `index`..<`index + 4`, which the caller knows to be there.
    @inline(__always)
    func four(_ index: Int) -> SIMD4<Double> { unsafe UnsafeRawPointer(self + index).loadUnaligned(as: SIMD4<Double>.self) }
}

extension UnsafeMutablePointer<Double> {
    /// The numbers at `index`..<`index + 4`, which the caller knows to be there.
    @inline(__always)
    func four(_ index: Int) -> SIMD4<Double> { unsafe UnsafePointer(self).four(index) }

    /// Overwrites the numbers at `index`..<`index + 4`, which the caller knows to be there.
    @inline(__always)
    func setFour(_ index: Int, _ values: SIMD4<Double>) {
        unsafe UnsafeMutableRawPointer(self + index).storeBytes(of: values, as: SIMD4<Double>.self)
    }
}
