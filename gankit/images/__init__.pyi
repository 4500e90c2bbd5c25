"""Public names of `gankit.images`; `__init__.py` imports each when it is first used."""

from .class_folders import class_files as class_files
from .crops import ImageCrops as ImageCrops
from .enlarging import BicubicUpscale as BicubicUpscale
from .enlarging import PixelShuffle as PixelShuffle
from .grid import picture_grid as picture_grid
from .images import EXTENSIONS as EXTENSIONS
from .images import MAX_PIXELS as MAX_PIXELS
from .images import image_size as image_size
from .images import list_images as list_images
from .images import read_each as read_each
from .images import read_image as read_image
from .labelled import Pictures as Pictures
from .labelled import PictureSet as PictureSet
from .labelled import check_pictures as check_pictures
from .labelled import open_pictures as open_pictures
from .pixels import Pixels as Pixels
from .prepared import load_pixels as load_pixels
from .reductions import Reductions as Reductions
from .resize import downscale as downscale
from .resize import imresize as imresize
from .resize import resize_matrix as resize_matrix
from .resize import to_uint8 as to_uint8
from .resize import upscale as upscale
from .sources import PictureSource as PictureSource
from .survey import Survey as Survey
from .survey import survey_images as survey_images
