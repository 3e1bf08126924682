internal import CMessageDigest

/// The hash from which the field derives names of a fixed length (FIPS 180-4), computed by libmd.
public enum SHA512 {
    /// The 64 bytes of the digest.
    public static func digest(of bytes: [UInt8]) -> [UInt8] {
        var context = SHA512_CTX()
        var digest = [UInt8](repeating: 0, count: Int(SHA512_DIGEST_LENGTH))
        SHA512Init(&context)
        SHA512Update(&context, bytes, bytes.count)
        SHA512Final(&digest, &context)
        return digest
    }

    /// The first `count` bytes of the digest as lower-case hexadecimal digits, two for each byte.
    public static func hexadecimal(of text: String, bytes count: Int) -> String {
        let digits = Array("0123456789abcdef")
        return String(
            digest(of: Array(text.utf8)).prefix(count).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] })
    }
}
