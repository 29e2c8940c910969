//! The course of images, told as stories.
