use std::fs;
use std::path::Path;

use image::{GrayImage, RgbImage};

use super::*;
use crate::source::{Source, open};
use crate::split::hold_out;

fn options(images: ImageOptions) -> OpenOptions<'static> {
    OpenOptions { images, ..OpenOptions::offline() }
}

fn read(source: &str, images: ImageOptions) -> Result<Dataset> {
    open(&Source::parse(source).unwrap(), &options(images))
}

/// A small picture whose grey level tells it apart.
fn picture(path: &Path, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    GrayImage::from_pixel(6, 5, image::Luma([grey])).save(path).unwrap();
}

fn ids(set: &ImageSet) -> Vec<String> {
    (0..set.len()).map(|row| set.ids().id(row)).collect()
}

#[test]
fn parts_and_classes_are_folders_in_natural_order() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (path, grey) in [
        ("train/10/b.png", 10),
        ("train/2/a10.png", 20),
        ("train/2/a9.jpg", 30),
        ("train/cat/deep/er/x.JPEG", 40),
        ("VAL/2/v.png", 50),
        ("test/cat/t.png", 60),
    ] {
        picture(&root.join(path), grey);
    }
    let dataset = read(&format!("folder:{}", root.display()), ImageOptions::default()).unwrap();
    assert_eq!(dataset.train.classes()[..], ["2", "10", "cat"]);
    assert_eq!(
        ids(&dataset.train),
        ["VAL/2/v.png", "train/2/a9.jpg", "train/2/a10.png", "train/10/b.png", "train/cat/deep/er/x.JPEG"]
    );
    assert_eq!(dataset.train.labels(), [0, 0, 0, 1, 2]);
    assert_eq!(hold_out(&dataset.train, 0.5, 0), (vec![1, 2, 3, 4], vec![0]), "the source's own");
    let test = dataset.test.as_ref().unwrap();
    assert_eq!(
        (ids(test), test.labels()),
        (vec!["test/cat/t.png".to_owned()], &[2][..]),
        "by name, not by position"
    );
    assert_eq!(dataset.train.size(), [5, 6, 1], "grey stays grey, and the size is that of the pictures");
    assert_eq!(*dataset.train.image(3), [10; 30]);
    let photos = dataset.photos.unwrap();
    assert_eq!((photos.found, photos.left_out, photos.resized, photos.test), (6, Vec::new(), 0, None));
}

#[test]
fn one_tree_is_split_by_the_program_alike_for_all() {
    let folder = tempfile::tempdir().unwrap();
    for row in 0..50 {
        picture(&folder.path().join(format!("{}/{row}.png", ["bag", "coat"][row % 2])), row as u8);
    }
    let source = format!("folder:{}", folder.path().display());
    let dataset = read(&source, ImageOptions::default()).unwrap();
    let test = dataset.test.clone().unwrap();
    assert_eq!((dataset.train.len(), test.len()), (40, 10));
    assert_eq!(test.labels().iter().filter(|&&label| label == 0).count(), 5);
    assert_eq!(dataset.photos.as_ref().unwrap().test, Some(0.2));
    assert_eq!(read(&source, ImageOptions::default()).unwrap(), dataset);
    assert_eq!(read(&source, ImageOptions { test: 0.0, ..ImageOptions::default() }).unwrap().test, None);
}

/// Whatever lies in a folder is read or reported: the counts add up to the number of files.
#[test]
fn nothing_is_lost_silently() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for row in 0..4 {
        picture(&root.join(format!("bag/{row}.png")), row);
        picture(&root.join(format!("coat/{row}.png")), row);
    }
    fs::write(root.join("bag/empty.jpg"), "").unwrap();
    fs::write(root.join("bag/text.jpg"), "404: not found\n").unwrap();
    fs::write(root.join("bag/notes.txt"), "to do").unwrap();
    fs::write(root.join("coat/.hidden.png"), "x").unwrap();
    fs::create_dir(root.join("nothing")).unwrap();
    picture(&root.join("beside.png"), 1);
    let bytes = fs::read(root.join("coat/1.png")).unwrap();
    fs::write(root.join("coat/cut.png"), &bytes[..bytes.len() / 2]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::os::unix::fs::symlink("..", root.join("coat/loop")).unwrap();
        std::os::unix::fs::symlink("absent.png", root.join("coat/nowhere.png")).unwrap();
        fs::copy(root.join("bag/1.png"), root.join("coat").join(std::ffi::OsStr::from_bytes(b"caf\xe9.png")))
            .unwrap();
    }
    let source = format!("folder:{}", root.display());
    let dataset = read(&source, ImageOptions { test: 0.0, ..ImageOptions::default() }).unwrap();
    let photos = dataset.photos.unwrap();
    assert_eq!((photos.empty, dataset.train.len()), (vec!["nothing".to_owned()], 8));
    assert_eq!(photos.found, 8 + photos.left_out.len());
    let said: Vec<String> =
        photos.left_out.iter().map(|left| format!("{}: {}", left.path, left.reason)).collect();
    let said = said.join("\n").replace(&root.display().to_string(), "ROOT");
    insta::assert_snapshot!(said, @r#"
    bag/notes.txt: expected a name that ends in .png, .jpg, .jpeg, .webp, found notes.txt
    beside.png: expected a picture in the folder of its class, found one beside the classes
    coat/.hidden.png: expected a picture, found a hidden file
    coat/caf�.png: expected a name in UTF-8, found caf�.png
    coat/loop: expected a link to another place, found one to ROOT, which it is in
    coat/nowhere.png: expected a file that can be read, found IO error for operation on ROOT/coat/nowhere.png: No such file or directory (os error 2)
    bag/empty.jpg: expected a PNG, JPEG or WebP picture, found an empty file
    bag/text.jpg: expected a PNG, JPEG or WebP picture, found text: "404: not found"
    coat/cut.png: expected an undamaged picture, found unexpected end of file
    "#);

    let error = read(&source, ImageOptions { strict: true, ..ImageOptions::default() }).unwrap_err();
    assert!(error.to_string().contains("found 9 problems"), "{error}");
}

#[test]
fn sizes_are_fitted_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    picture(&folder.path().join("bag/1.png"), 7);
    fs::create_dir_all(folder.path().join("coat")).unwrap();
    RgbImage::from_pixel(20, 10, image::Rgb([200, 100, 50])).save(folder.path().join("coat/2.png")).unwrap();
    let source = format!("folder:{}", folder.path().display());
    let all = ImageOptions { test: 0.0, ..ImageOptions::default() };
    let dataset = read(&source, all).unwrap();
    assert_eq!(dataset.train.size(), [64, 64, 3], "a size for pictures of several");
    let photos = dataset.photos.unwrap();
    assert_eq!((photos.heights, photos.widths, photos.resized), ([5, 10], [6, 20], 2));
    let dataset = read(&source, ImageOptions { size: Some([5, 6, 1]), ..all }).unwrap();
    assert_eq!(dataset.photos.unwrap().resized, 1);
    assert_eq!(*dataset.train.image(0), [7; 30]);
    assert!(dataset.train.image(1).iter().all(|&pixel| pixel == 124), "0.299 R + 0.587 G + 0.114 B");
}

#[test]
fn tables_name_pictures_parts_and_groups() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for row in 0..40 {
        picture(&root.join(format!("all/{row}.png")), row);
    }
    let mut text = "Label,file_name,group,shop\n".to_owned();
    for row in 0..40 {
        text += &format!("{},all/{row}.png,{},x\n", ["a", "b"][row % 2], row / 4);
    }
    text += ",all/1.png,1,x\nb,all/0.png,1,x\na,all/absent.png,1,x\n";
    fs::write(root.join("metadata.csv"), &text).unwrap();
    let dataset = read(&format!("folder:{}", root.display()), ImageOptions::default()).unwrap();
    let test = dataset.test.clone().unwrap();
    let group =
        |id: &str| id.trim_start_matches("all/").trim_end_matches(".png").parse::<usize>().unwrap() / 4;
    let groups =
        |set: &ImageSet| ids(set).iter().map(|id| group(id)).collect::<std::collections::BTreeSet<_>>();
    assert!(groups(&dataset.train).is_disjoint(&groups(&test)), "groups are not parted");
    assert_eq!((dataset.train.len(), test.len()), (32, 8));
    let (train, held) = hold_out(&dataset.train, 0.25, 3);
    let groups = |rows: &[usize]| groups(&dataset.train.select(rows));
    assert!(groups(&train).is_disjoint(&groups(&held)) && !held.is_empty());
    let said: Vec<_> = dataset
        .photos
        .as_ref()
        .unwrap()
        .left_out
        .iter()
        .map(|left| format!("{}: {}", left.path, left.reason))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    line 42: expected a class, found an empty cell
    line 43: all/0.png: expected a picture once, found it again, as in line 2
    all/absent.png: expected a file that can be read, found No such file or directory (os error 2)
    ");

    fs::write(
        root.join("t.jsonl"),
        "{\"path\":\"all/1.png\",\"label\":1,\"split\":\"test\"}\n{\"path\":\"all/2.png\",\"label\":2}\nx\n",
    )
    .unwrap();
    let dataset =
        read(&format!("jsonl:{}", root.join("t.jsonl").display()), ImageOptions::default()).unwrap();
    assert_eq!(
        (dataset.train.classes()[..].join(" "), ids(&dataset.train)),
        ("1 2".into(), vec!["all/2.png".into()])
    );
    assert_eq!(dataset.photos.unwrap().left_out.len(), 1);
    fs::write(root.join("bad.csv"), "file_nam,label\n1,2\n").unwrap();
    let error =
        read(&format!("csv:{}", root.join("bad.csv").display()), ImageOptions::default()).unwrap_err();
    let said = format!("{error}\nhint: {}", error.hint().unwrap());
    insta::assert_snapshot!(said.replace(&root.display().to_string(), "ROOT"), @r"
    columns of ROOT/bad.csv: expected one of file_name, path, file, filename, image, found file_nam, label
    hint: is `file_nam` the column? Rename it to `file_name`
    ");
}

#[test]
fn arrays_of_numpy_are_read_as_keras_writes_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let mut array = |name: &str, descr: &str, shape: &str, values: &[u8]| {
        use std::io::Write;
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
        archive.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        archive.write_all(values).unwrap();
    };
    array("x_train", "|u1", "(3, 1, 2)", &[1, 2, 3, 4, 5, 6]);
    array("y_train", "|u1", "(3, 1)", &[9, 10, 9]);
    array("x_test", "|u1", "(1, 1, 2)", &[7, 8]);
    array("y_test", "|u1", "(1,)", &[10]);
    archive.finish().unwrap();
    let dataset = read(&format!("npz:{}", path.display()), ImageOptions::default()).unwrap();
    assert_eq!((dataset.train.size(), dataset.train.classes().join(" ")), ([1, 2, 1], "9 10".into()));
    assert_eq!((&*dataset.train.pixels(), dataset.train.labels()), (&[1, 2, 3, 4, 5, 6][..], &[0, 1, 0][..]));
    let test = dataset.test.unwrap();
    assert_eq!(
        (&*test.pixels(), test.labels(), ids(&test)),
        (&[7, 8][..], &[1][..], vec!["test-00000".to_owned()])
    );
}

/// More pixels than may be in memory lie in a file, and nothing else differs.
#[test]
fn pixels_beyond_memory_are_the_same() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for row in 0..40 {
        picture(&folder.path().join(format!("{}/{row}.png", ["bag", "coat"][row % 2])), row as u8);
    }
    fs::write(folder.path().join("bag/cut.png"), b"\x89PNG").unwrap();
    let source = Source::parse(&format!("folder:{}", folder.path().display())).unwrap();
    let read = |memory| {
        let images = ImageOptions { memory, ..ImageOptions::default() };
        let cache = cache.path().join("seamripper");
        open(&source, &OpenOptions { cache, ..options(images) }).unwrap()
    };
    let (inside, stored) = (read(41 * 30), read(41 * 30 - 1));
    assert_eq!(inside.photos.as_ref().unwrap().stored, None);
    assert_eq!(stored.photos.as_ref().unwrap().stored, Some(40 * 30));
    assert_eq!((inside.train.is_stored(), stored.train.is_stored()), (false, true));
    assert_eq!((&inside.train, &inside.test), (&stored.train, &stored.test));
    assert_eq!(inside.train.pixels(), stored.train.pixels());
    let some = [7, 0, 7, 31];
    assert_eq!(inside.train.select(&some), stored.train.select(&some).select(&[0, 1, 2, 3]));
    assert_eq!(fs::read_dir(cache.path().join("seamripper")).unwrap().count(), 0, "the file has no name");
}
