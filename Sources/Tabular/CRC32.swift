import CZlib

/// CRC-32 with the polynomial of gzip (ISO 3309), by zlib.
package enum CRC32 {
    package static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            // zlib counts in 32 bits; a record of the journal is far below.
            unsafe UInt32(truncatingIfNeeded: CZlib.crc32(0, buffer.baseAddress, UInt32(buffer.count)))
        }
    }
}
