extension String {
    /// The text of bytes that must be UTF-8; nil where they are not. O(n), and without the validator's cost for plain ASCII.
    package init?(utf8 bytes: ArraySlice<UInt8>) {
        guard bytes.allSatisfy({ $0 < 0x80 }) else {
            guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
            self = text
            return
        }
        self.init(decoding: bytes, as: UTF8.self)
    }
}
