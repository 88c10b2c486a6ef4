//! Files that appear as a whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use domain::error::{Error, Result};

/// A file under another name until it is complete; removed if it never is.
pub struct Part {
    path: PathBuf,
    /// What is written goes here.
    pub out: BufWriter<File>,
    kept: bool,
}

impl Part {
    /// Whether a path can be that of a file.
    pub fn is_file_name(path: &Path) -> bool {
        !path.is_dir() && path.file_name().is_some() && !path.as_os_str().as_encoded_bytes().ends_with(b"/")
    }

    /// Begins the file that will be `target`.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn create(target: &Path) -> Result<Self> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // What is exported is not for whoever else has an account on this machine.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| unwritten(target, &error))?;
        Ok(Self { path, out: BufWriter::new(file), kept: false })
    }

    /// The file is complete: it takes its place.
    ///
    /// # Errors
    /// [`Error::Internal`] if it cannot be written.
    pub fn keep(mut self, target: &Path) -> Result<()> {
        let done = self.out.flush().and_then(|()| self.out.get_ref().sync_all());
        done.and_then(|()| fs::rename(&self.path, target)).map_err(|error| unwritten(target, &error))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// That a file cannot be written, and why.
pub fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::internal(format!("{} cannot be written: {error}", path.display()))
}
