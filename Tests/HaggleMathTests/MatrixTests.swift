import Foundation
import HaggleMath
import Testing

@Suite struct MatrixTests {
    @Test func elementsStandRowAfterRow() {
        var matrix = Matrix<Float>(rowCount: 2, columnCount: 3, elements: [1, 2, 3, 4, 5, 6])
        #expect(matrix[1, 0] == 4)
        matrix[0, 2] = 9
        matrix.withMutableElements { $0[5] = 7 }
        #expect(matrix.elements == [1, 2, 9, 4, 5, 7])
        #expect(Matrix<Double>(diagonal: 2, size: 2).elements == [2, 0, 0, 2])
    }

    @Test func storedAndReadBackIsTheSameMatrix() throws {
        let matrix = Matrix<Double>(rowCount: 1, columnCount: 2, elements: [0.1, -1e-300])
        #expect(try JSONDecoder().decode(Matrix<Double>.self, from: JSONEncoder().encode(matrix)) == matrix)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Matrix<Double>.self, from: Data(#"{"rowCount":2,"columnCount":2,"elements":[1]}"#.utf8))
        }
    }
}
