/* Reads a golden's HDF5 file with libhdf5 only (Debian: libhdf5-dev).
 *
 *     cc -o read_h5 read_h5.c $(pkg-config --cflags --libs hdf5)
 *     ./read_h5 ../../fixtures/v2/lstm/lengths.h5
 *
 * The wheel has few HDF5 files: rnn-goldens export lstm/lengths --to hdf5 FOLDER
 */
#include <hdf5.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_id(hid_t file)
{
    hid_t attribute = H5Aopen(file, "id", H5P_DEFAULT);
    hid_t text = H5Aget_type(attribute);
    char *id = calloc(H5Tget_size(text) + 1, 1);
    if (!id || H5Aread(attribute, text, id) < 0)
        exit(1);
    puts(id);
    free(id);
    H5Tclose(text);
    H5Aclose(attribute);
}

static void print_array(const char *path, hid_t dataset, uint64_t *checksum)
{
    hsize_t shape[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_dims(space, shape, NULL);
    size_t size = 8 * (size_t)H5Sget_simple_extent_npoints(space);
    unsigned char *bytes = malloc(size);

    if (!bytes || H5Dread(dataset, H5T_IEEE_F64LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) < 0)
        exit(1);
    printf("%s", path);
    for (int axis = 0; axis < rank; axis++)
        printf(" %llu", (unsigned long long)shape[axis]);
    printf("\n");
    for (size_t i = 0; i < size; i++)
        *checksum = (*checksum ^ bytes[i]) * 0x100000001b3;
    free(bytes);
    H5Sclose(space);
}

static herr_t visit(hid_t file, const char *path, const H5L_info_t *link, void *checksum)
{
    (void)link;
    hid_t object = H5Oopen(file, path, H5P_DEFAULT);
    if (H5Iget_type(object) == H5I_DATASET)
        print_array(path, object, checksum);
    return H5Oclose(object);
}

int main(int argc, char **argv)
{
    uint64_t checksum = 0xcbf29ce484222325;
    hid_t file = argc == 2 ? H5Fopen(argv[1], H5F_ACC_RDONLY, H5P_DEFAULT) : H5I_INVALID_HID;
    if (file < 0) {
        fprintf(stderr, "usage: read_h5 GOLDEN.h5\n");
        return 2;
    }
    print_id(file);
    if (H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit, &checksum) < 0)
        return 1;
    printf("checksum %016" PRIx64 "\n", checksum);
    H5Fclose(file);
    return 0;
}
