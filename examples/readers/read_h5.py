"""Reads a golden's HDF5 file with h5py only.

python read_h5.py ../../fixtures/v2/lstm/lengths.h5

The wheel has few HDF5 files: rnn-goldens export lstm/lengths --to hdf5 FOLDER
"""

import sys

import h5py


def main() -> None:
    checksum = 0xCBF29CE484222325
    with h5py.File(sys.argv[1]) as file:
        print(file.attrs["id"].decode())
        paths: list[str] = []
        file.visit_links(paths.append)  # equal arrays of a large golden are one dataset with several names
        for path in sorted(paths):
            if isinstance(file[path], h5py.Dataset):
                print(path, *file[path].shape)
                for byte in file[path].astype("<f8")[()].tobytes():
                    checksum = (checksum ^ byte) * 0x100000001B3 % 2**64
    print(f"checksum {checksum:016x}")


if __name__ == "__main__":
    main()
