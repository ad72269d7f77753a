import CZlib

/// zlib's decompressor over one or several gzip members. It owns the stream it points to.
@safe final class Inflater {
    private static let outputSize = 1 << 19

    private let file: String
    // zlib keeps a pointer back to the stream, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private(set) var isInsideMember = false

    init(file: String) throws {
        self.file = file
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 16 + 15: gzip with the largest window.
        let status = unsafe inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw TabularError.damagedGzip(file: file) }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deinitialize(count: 1)
        unsafe stream.deallocate()
    }

    /// Decompresses all of `input` that gives up to `outputSize` bytes and removes what was used.
    func inflate(_ input: inout [UInt8], into output: inout [UInt8]) throws {
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: Self.outputSize))
        if !isInsideMember {
            unsafe inflateReset(stream)
            isInsideMember = true
        }
        // Both pointers cover their arrays and are not used after the closures.
        let (status, rest, free): (Int32, Int, Int) = unsafe input.withUnsafeMutableBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe stream.pointee.next_in = source.baseAddress
                unsafe stream.pointee.avail_in = UInt32(source.count)
                unsafe stream.pointee.next_out = target.baseAddress! + start
                unsafe stream.pointee.avail_out = UInt32(Self.outputSize)
                let status = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
                return unsafe (status, Int(stream.pointee.avail_in), Int(stream.pointee.avail_out))
            }
        }
        output.removeLast(free)
        input.removeFirst(input.count - rest)
        switch status {
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END: isInsideMember = false
        default: throw TabularError.damagedGzip(file: file)
        }
    }
}
